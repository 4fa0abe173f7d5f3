import assert from 'node:assert/strict'
import test from 'node:test'
import { RoundTrip } from './round-trip.ts'

const settings = { initialMs: 1000, exchangeMsMin: 0, exchanges: 1 }

test('before the first measurement the time-out is the initial one (RFC 6298 §2.1)', () => {
  const roundTrip = new RoundTrip(settings)
  assert.equal(roundTrip.smoothedMs, undefined)
  assert.equal(roundTrip.timeoutMs(0), 1000)
})

test('the first measurement R gives SRTT = R and RTO = R + 4 * R/2 (RFC 6298 §2.2)', () => {
  const roundTrip = new RoundTrip(settings)
  roundTrip.measured(100)
  assert.equal(roundTrip.smoothedMs, 100)
  assert.equal(roundTrip.timeoutMs(0), 300)
})

test('further measurements move both by 1/8 and 1/4 (RFC 6298 §2.3)', () => {
  const roundTrip = new RoundTrip(settings)
  roundTrip.measured(100)
  roundTrip.measured(180)
  assert.equal(roundTrip.smoothedMs, 110)
  // RTTVAR = 3/4 * 50 + 1/4 * 80 = 57.5
  assert.equal(roundTrip.timeoutMs(0), 110 + 4 * 57.5)
})

test('on a steady link the time-out comes down to the round trip', () => {
  const roundTrip = new RoundTrip(settings)
  for (let count = 0; count < 100; count++) roundTrip.measured(20)
  assert.ok(Math.abs(roundTrip.timeoutMs(0) - 20) < 0.001)
})

test('work is added, exchanges multiply, and none is shorter than the floor', () => {
  const roundTrip = new RoundTrip({ initialMs: 1000, exchangeMsMin: 250, exchanges: 4 })
  for (let count = 0; count < 100; count++) roundTrip.measured(20)
  assert.equal(roundTrip.timeoutMs(500), 500 + 4 * 250)
})
