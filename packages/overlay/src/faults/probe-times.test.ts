import assert from 'node:assert/strict'
import test from 'node:test'
import { type ProbeTime, ProbeTimes } from './probe-times.ts'

const settings = { initialMs: 500, graceMs: 50, answerMsMax: 800 }
const newTime = (): ProbeTime => ({ samples: 0, smoothedMs: 0, variationMs: 0 })

test('a site that was never measured gets the initial time, then that of a far one of those that were', () => {
  const times = new ProbeTimes(settings)
  assert.equal(times.timeoutMs(newTime()), 550)
  for (let count = 0; count < 200; count++) times.measured(newTime(), count % 2 === 0 ? 60 : 100)
  const timeoutMs = times.timeoutMs(newTime())
  assert.ok(timeoutMs > 150 && timeoutMs < 220, `${timeoutMs}`)
})

test('few samples of a site are enough, as its variation is taken to be that of the others', () => {
  const times = new ProbeTimes(settings)
  const steady = newTime()
  for (let count = 0; count < 500; count++) times.measured(steady, 100 + (count % 2))
  const fresh = newTime()
  times.measured(fresh, 200)
  assert.ok(times.timeoutMs(fresh) < 270, `${times.timeoutMs(fresh)}`)
})

test('a site whose answers vary is waited for longer, up to the most', () => {
  const times = new ProbeTimes(settings)
  const varying = newTime()
  for (let count = 0; count < 50; count++) times.measured(varying, count % 3 === 0 ? 900 : 100)
  assert.equal(times.timeoutMs(varying), 800)
})
