import assert from 'node:assert/strict'
import test from 'node:test'
import type { Rumour } from './rumour.ts'
import { BUCKETS, RumourStore } from './rumour-store.ts'

const rumour = (subject: string, number: number): Rumour => ({
  topic: 'head',
  subject,
  number,
  body: undefined,
})

test('two stores have one digest exactly when they hold the same, in whatever order it came', () => {
  const [left, right] = [new RumourStore(), new RumourStore()]
  for (let index = 0; index < 300; index++) left.put(rumour(`site-${index}`, index))
  for (let index = 299; index >= 0; index--) {
    right.put(rumour(`site-${index}`, index - 1))
    right.put(rumour(`site-${index}`, index))
  }
  assert.deepEqual(left.digest, right.digest)
  right.put(rumour('site-7', 8))
  const differing = Array.from({ length: BUCKETS }, (_, bucket) => bucket).filter(
    (bucket) => left.digest[bucket] !== right.digest[bucket],
  )
  assert.equal(differing.length, 1)
  const subjects = [...right.inBucket(differing[0] ?? 0)].map(({ subject }) => subject)
  assert.ok(subjects.includes('site-7'))
})

test('of each subject only the newest is kept', () => {
  const store = new RumourStore()
  store.put(rumour('east', 1))
  store.put(rumour('east', 2 ** 41))
  assert.equal(store.count('head'), 1)
  assert.equal(store.find('head', 'east')?.number, 2 ** 41)
})
