import assert from 'node:assert/strict'
import test from 'node:test'
import { ProbeTimes } from './probe-times.ts'

const settings = { initialMs: 500, graceMs: 50, answerMsMax: 800 }

test('a site that was never measured gets the initial time, then that of a far one of those that were', () => {
  const times = new ProbeTimes(settings)
  assert.equal(times.timeoutMs(7), 550)
  for (let count = 0; count < 200; count++) times.measured(100 + count, count % 2 === 0 ? 60 : 100)
  const timeoutMs = times.timeoutMs(7)
  assert.ok(timeoutMs > 150 && timeoutMs < 220, `${timeoutMs}`)
})

test('few samples of a site are enough, as its variation is taken to be that of the others', () => {
  const times = new ProbeTimes(settings)
  const steady = 3
  for (let count = 0; count < 500; count++) times.measured(steady, 100 + (count % 2))
  const fresh = 40
  times.measured(fresh, 200)
  assert.ok(times.timeoutMs(fresh) < 270, `${times.timeoutMs(fresh)}`)
})

test('a site whose answers vary is waited for longer, up to the most', () => {
  const times = new ProbeTimes(settings)
  const varying = 0
  for (let count = 0; count < 50; count++) times.measured(varying, count % 3 === 0 ? 900 : 100)
  assert.equal(times.timeoutMs(varying), 800)
})

test('what is known of one site is not touched when others become known', () => {
  const times = new ProbeTimes(settings)
  assert.equal(times.answeredMs(5), Number.NEGATIVE_INFINITY)
  times.measured(2, 80)
  times.answered(2, 1234)
  for (let place = 3; place < 100; place++) times.measured(place, 300)
  assert.equal(times.answeredMs(2), 1234)
  assert.equal(times.answeredMs(50), Number.NEGATIVE_INFINITY)
  assert.ok(times.timeoutMs(2) < times.timeoutMs(3))
})
