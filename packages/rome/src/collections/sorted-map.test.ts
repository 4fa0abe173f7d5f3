import assert from 'node:assert/strict'
import test from 'node:test'
import { seededRandom } from '@atoll/kit'
import { seedsToRun } from '../conformance/seeds.ts'
import { SortedMap } from './sorted-map.ts'

const [SEED = ''] = seedsToRun(1)

test('a sorted map answers as a sorted list does, through growth and shrinking', () => {
  const random = seededRandom(SEED)
  const map = new SortedMap<number>()
  const model = new Map<string, number>()
  const some = () => String.fromCharCode(...random.bytes(2))
  for (let step = 0; step < 6000; step++) {
    const key = some()
    const isShrinking = step > 4000
    if (random.below(10) < (isShrinking ? 7 : 2)) {
      const victim = [...model.keys()][random.below(Math.max(1, model.size))] ?? key
      assert.equal(map.delete(victim), model.delete(victim), `SEED=${SEED}`)
    } else {
      map.set(key, step)
      model.set(key, step)
    }
    if (step % 50 > 0) continue
    const [from = '', to = ''] = [some(), some()].sort()
    const inside = [...model.keys()].filter((name) => name >= from && name < to).sort()
    const limit = random.below(20)
    assert.deepEqual(map.keysBetween(from, to), inside, `SEED=${SEED}`)
    assert.deepEqual(map.keys({ from, to, limit, isReversed: false }), inside.slice(0, limit), `SEED=${SEED}`)
    const reversed = inside.reverse().slice(0, limit)
    assert.deepEqual(map.keys({ from, to, limit, isReversed: true }), reversed, `SEED=${SEED}`)
    assert.equal(map.get(key), model.get(key), `SEED=${SEED}`)
    assert.equal(map.size, model.size, `SEED=${SEED}`)
  }
})

test('keys that come in order, or all go, leave a map that works', () => {
  const map = new SortedMap<number>()
  for (let key = 0; key < 2000; key++) map.set(`${key}`.padStart(6, '0'), key)
  assert.equal(map.keysBetween('', '9').length, 2000)
  for (let key = 0; key < 2000; key++) assert.ok(map.delete(`${key}`.padStart(6, '0')))
  assert.deepEqual(map.keysBetween('', '9'), [])
  map.set('a', 1)
  assert.deepEqual(map.keysBetween('', 'b'), ['a'])
})
