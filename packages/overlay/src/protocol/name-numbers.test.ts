import assert from 'node:assert/strict'
import test from 'node:test'
import { NameNumbers, putAt } from './name-numbers.ts'

test('each name has one number, and one that was never given has none', () => {
  const numbers = new NameNumbers()
  assert.deepEqual(
    ['east', 'west', 'east', 'north'].map((name) => numbers.numberOf(name)),
    [0, 1, 0, 2],
  )
  assert.equal(numbers.find('west'), 1)
  assert.equal(numbers.find('constructor'), undefined)
})

test('a list has no holes before what was put far behind', () => {
  const list: (string | undefined)[] = []
  putAt(list, 3, 'd')
  putAt(list, 1, 'b')
  assert.deepEqual(list, [undefined, 'b', undefined, 'd'])
  assert.ok(Object.keys(list).length === 4)
})
