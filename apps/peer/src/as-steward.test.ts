import assert from 'node:assert/strict'
import { test } from 'node:test'
import { asSteward } from './as-steward.ts'

test('a service of the steward runs while this peer is it, and again when it is it again', async () => {
  const listeners = new Set<() => void>()
  const runs: string[] = []
  let isSteward = false
  const peers = {
    isSteward: () => isSteward,
    onChange: (listener: () => void) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
  const service = {
    name: 'sweeper',
    run: async (signal: AbortSignal) => {
      runs.push('begins')
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
      runs.push('ends')
    },
  }
  const become = async (value: boolean) => {
    isSteward = value
    for (const listener of [...listeners]) listener()
    await new Promise((resolve) => setImmediate(resolve))
  }
  const stop = new AbortController()
  const running = asSteward(service, peers).run(stop.signal)
  assert.deepEqual(runs, [])
  await become(true)
  assert.deepEqual(runs, ['begins'])
  await become(true)
  assert.deepEqual(runs, ['begins'])
  await become(false)
  assert.deepEqual(runs, ['begins', 'ends'])
  await become(true)
  stop.abort()
  await running
  assert.deepEqual(runs, ['begins', 'ends', 'begins', 'ends'])
  assert.equal(listeners.size, 0)
})
