import assert from 'node:assert/strict'
import test from 'node:test'
import { poissonUpperBound } from './poisson-bound.ts'

test('none in so many hours allows three, and a few allow what the tables say', () => {
  // One-sided 95 % bounds of Garwood's table.
  const table = [
    [0, 2.996],
    [1, 4.744],
    [2, 6.296],
    [5, 10.513],
    [10, 16.962],
  ] as const
  for (const [count, bound] of table)
    assert.ok(Math.abs(poissonUpperBound(count) - bound) < 0.001, `${count}: ${poissonUpperBound(count)}`)
})
