import assert from 'node:assert/strict'
import test from 'node:test'
import { seededRandom } from '@atoll/kit'
import { ReplayedRandom } from './replayed-random.ts'

test('the second run draws what the first one drew, and goes on with what is new', () => {
  const random = new ReplayedRandom(seededRandom(1))
  const first = [random.below(1000), random.bytes(8), random.below(10)]
  random.rewind()
  assert.deepEqual([random.below(1000), random.bytes(8), random.below(10)], first)
  assert.notDeepEqual(random.bytes(8), first[1])
})

test('a run that takes another way draws anew from there', () => {
  const random = new ReplayedRandom(seededRandom(1))
  const [same] = [random.below(1000), random.below(1000), random.below(1000)]
  random.rewind()
  assert.equal(random.below(1000), same)
  assert.equal(random.bytes(4).length, 4)
  const third = random.below(1000)
  random.rewind()
  assert.deepEqual([random.below(1000), random.bytes(4).length, random.below(1000)], [same, 4, third])
})
