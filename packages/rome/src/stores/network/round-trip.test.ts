import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Clock } from '@atoll/kit'
import { RoundTrip, within } from './round-trip.ts'

const options = { firstMs: 3000, leastMs: 100, mostMs: 10_000 }

test('a time-out follows what answers took, within its bounds', () => {
  const roundTrip = new RoundTrip(options)
  assert.equal(roundTrip.timeoutMs, 3000)
  for (let count = 0; count < 50; count++) roundTrip.measured(0.2)
  assert.equal(roundTrip.timeoutMs, 100)
  for (let count = 0; count < 200; count++) roundTrip.measured(50)
  assert.ok(roundTrip.timeoutMs > 400 && roundTrip.timeoutMs < 500)
  roundTrip.measured(5000)
  assert.equal(roundTrip.timeoutMs, 10_000)
})

test('a time-out that was too short is doubled until something is measured', () => {
  const roundTrip = new RoundTrip(options)
  roundTrip.expired()
  assert.equal(roundTrip.timeoutMs, 6000)
  for (let count = 0; count < 100; count++) roundTrip.expired()
  assert.equal(roundTrip.timeoutMs, 10_000)
  roundTrip.measured(1)
  assert.equal(roundTrip.timeoutMs, 100)
})

/** Timers that run when the test says so. */
function handClock(): Clock & { next(): void; readonly waiting: number } {
  const timers = new Set<() => void>()
  return {
    nowMs: () => 0,
    monotonicMs: () => 0,
    after: (_delayMs, action) => {
      timers.add(action)
      return () => timers.delete(action)
    },
    next: () => {
      const [action] = timers
      if (action) timers.delete(action)
      action?.()
    },
    get waiting() {
      return timers.size
    },
  }
}

test('an answer that is read in the last turn counts, and one that never comes does not', async () => {
  const expired = () => new Error('late')
  const clock = handClock()
  let answer = (_text: string) => {}
  const asked = within({ clock, timeoutMs: 5, expired }, new Promise<string>((resolve) => (answer = resolve)))
  clock.next()
  answer('in time')
  assert.equal(await asked, 'in time')
  assert.equal(clock.waiting, 0)
  const lost = within({ clock, timeoutMs: 5, expired }, new Promise<string>(() => {}))
  clock.next()
  clock.next()
  await assert.rejects(lost, { message: 'late' })
})
