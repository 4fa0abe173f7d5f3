import assert from 'node:assert/strict'
import test from 'node:test'
import { readCase, readSuspicion, suspicionText } from './suspicion.ts'

const signed = (by: string, suspect = 'east', incarnation = 3) => ({
  text: suspicionText({ suspect, incarnation, by }),
  signature: `by ${by}`,
})

test('a suspicion is read as it was written, and anything else is none', () => {
  assert.deepEqual(readSuspicion(signed('west')), {
    suspect: 'east',
    incarnation: 3,
    by: 'west',
    ...signed('west'),
  })
  for (const value of [undefined, {}, { text: '[]', signature: '' }, { text: '{}', signature: 1 }])
    assert.equal(readSuspicion(value), undefined)
})

test('a case counts each site once, and only what is about its suspect and incarnation', () => {
  const suspicions = [
    signed('west'),
    signed('west'),
    signed('north'),
    signed('south', 'other'),
    signed('south', 'east', 2),
    'nonsense',
  ]
  const read = readCase({ suspicions }, 'east', 3)
  assert.deepEqual(
    read.map(({ by }) => by),
    ['west', 'north'],
  )
  assert.deepEqual(readCase(undefined, 'east', 3), [])
})
