import assert from 'node:assert/strict'
import test from 'node:test'
import type { Clock } from './clock.ts'
import { Refresher } from './refresher.ts'

/** Every timer fires in the next turn of the event loop. */
const hastyClock: Clock = {
  nowMs: () => 0,
  monotonicMs: () => 0,
  after: (_delayMs, action) => {
    const timer = setImmediate(action)
    return () => clearImmediate(timer)
  },
}

const turns = async (count: number) => {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve))
}

test('what fails is done again until it succeeds, and no longer', async () => {
  let calls = 0
  const refresher = new Refresher({
    clock: hastyClock,
    refresh: async () => {
      if (++calls < 4) throw new Error('the store is away')
    },
  })
  refresher.request()
  await turns(20)
  assert.equal(calls, 4)
})

test('requests that come while one is under way are answered by one more', async () => {
  let calls = 0
  const refresher = new Refresher({
    clock: hastyClock,
    refresh: async () => {
      calls++
      await turns(2)
    },
  })
  for (let request = 0; request < 5; request++) refresher.request()
  await turns(10)
  assert.equal(calls, 2)
})
