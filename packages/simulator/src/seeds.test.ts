import assert from 'node:assert/strict'
import test from 'node:test'
import { seedsToRun } from './seeds.ts'

function withSeed<Result>(value: string | undefined, work: () => Result): Result {
  const before = process.env.SEED
  if (value === undefined) delete process.env.SEED
  else process.env.SEED = value
  try {
    return work()
  } finally {
    if (before === undefined) delete process.env.SEED
    else process.env.SEED = before
  }
}

test('SEED replays one seed; without it the range runs', () => {
  assert.deepEqual(
    withSeed(undefined, () => seedsToRun({ from: 5, count: 3 })),
    [5, 6, 7],
  )
  assert.deepEqual(
    withSeed('12', () => seedsToRun({ from: 5, count: 3 })),
    [12],
  )
  assert.throws(() => withSeed('twelve', () => seedsToRun({ from: 5, count: 3 })), /no whole number/)
})
