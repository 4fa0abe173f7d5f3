import assert from 'node:assert/strict'
import test from 'node:test'
import type { Clock } from '@atoll/kit'
import { NotInTime } from './errors.ts'
import { waitUntil } from './wait-until.ts'

/** A clock on which every pause is over at once. */
function fastClock(): Clock {
  let nowMs = 0
  return {
    nowMs: () => nowMs,
    monotonicMs: () => nowMs,
    after: (delayMs, action) => {
      nowMs += delayMs
      queueMicrotask(action)
      return () => {}
    },
  }
}

test('answers with what was found', async () => {
  let looks = 0
  const options = { what: 'three', timeoutMs: 1000, clock: fastClock() }
  assert.equal(await waitUntil(options, () => ++looks === 3 && looks), 3)
})

test('gives up after its time, and says what it waited for by then', async () => {
  let looks = 0
  const options = { what: () => `look ${looks}`, timeoutMs: 1000, intervalMs: 100, clock: fastClock() }
  await assert.rejects(
    waitUntil(options, () => {
      looks++
      return false
    }),
    (error: Error) => NotInTime.is(error) && /look 11/.test(error.message),
  )
})

test('what the look throws ends the wait, and so does its signal', async () => {
  const options = { what: 'nothing', timeoutMs: 1000, clock: fastClock() }
  await assert.rejects(
    waitUntil(options, () => Promise.reject(new Error('bad'))),
    /bad/,
  )
  const signal = AbortSignal.abort()
  await assert.rejects(
    waitUntil({ ...options, signal }, () => true),
    { name: 'AbortError' },
  )
})
