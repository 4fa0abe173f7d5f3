import assert from 'node:assert/strict'
import test from 'node:test'
import { isAtHome } from './is-at-home.ts'

const at = (state: { cycle?: number; entries: number; here: number }) =>
  isAtHome(
    {
      cycle: state.cycle ?? 5,
      view: { entries: Array.from({ length: state.entries }) },
      settings: { cacheSize: 20 },
    },
    { here: state.here },
  )

test('a site asks in its first cycle, and as long as it knows nobody', () => {
  assert.equal(at({ cycle: 0, entries: 10, here: 10 }), false)
  assert.equal(at({ entries: 0, here: 0 }), false)
})

test('in a small cloud half of all others are enough, in a large one half a view', () => {
  assert.equal(at({ entries: 0, here: 1 }), true)
  assert.deepEqual([at({ entries: 0, here: 2 }), at({ entries: 1, here: 2 })], [false, true])
  assert.deepEqual([at({ entries: 9, here: 5000 }), at({ entries: 10, here: 5000 })], [false, true])
})
