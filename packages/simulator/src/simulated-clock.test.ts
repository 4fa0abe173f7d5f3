import assert from 'node:assert/strict'
import test from 'node:test'
import { seededRandom } from '@atoll/kit'
import { SimulatedClock } from './simulated-clock.ts'

test('events happen in order of time, and at one time in the order in which they were set', () => {
  const random = seededRandom('order')
  const clock = new SimulatedClock()
  const set = Array.from({ length: 500 }, (_, order) => ({ delayMs: random.below(50), order }))
  const seen: typeof set = []
  for (const event of set) clock.after(event.delayMs, () => seen.push(event))
  while (clock.fireNext());
  const expected = set.toSorted((left, right) => left.delayMs - right.delayMs || left.order - right.order)
  assert.deepEqual(seen, expected)
})

test('a cancelled event does not happen, and time does not go there', () => {
  const clock = new SimulatedClock()
  const seen: string[] = []
  const cancel = clock.after(5, () => seen.push('cancelled'))
  clock.after(2, () => seen.push('kept'))
  cancel()
  while (clock.fireNext());
  cancel()
  assert.deepEqual(seen, ['kept'])
  assert.equal(clock.monotonicMs(), 2)
})

test('time stands still during an event, and an event may set others', () => {
  const clock = new SimulatedClock()
  const seen: number[] = []
  clock.after(10, () => {
    seen.push(clock.monotonicMs())
    clock.after(0, () => seen.push(clock.monotonicMs()))
    clock.after(-1, () => seen.push(clock.monotonicMs()))
  })
  while (clock.fireNext());
  assert.deepEqual(seen, [10, 10, 10])
})

test('both clocks go at one pace', () => {
  const clock = new SimulatedClock()
  const startMs = clock.nowMs()
  clock.advanceTo(1234)
  assert.equal(clock.nowMs() - startMs, 1234)
  assert.equal(clock.monotonicMs(), 1234)
})

test('an event cannot be passed over, and a timer needs a number', () => {
  const clock = new SimulatedClock()
  clock.after(5, () => {})
  assert.throws(() => clock.advanceTo(6), /passed over/)
  assert.throws(() => clock.after(Number.NaN, () => {}), /number/)
})

test('a leap moves the time of day and nothing else', () => {
  const clock = new SimulatedClock()
  const startMs = clock.nowMs()
  let firedMs = 0
  clock.after(10, () => {
    firedMs = clock.monotonicMs()
  })
  clock.leap(3_600_000)
  assert.deepEqual([clock.nowMs() - startMs, clock.monotonicMs(), firedMs], [3_600_000, 0, 0])
  clock.fireNext()
  assert.deepEqual([clock.nowMs() - startMs, firedMs], [3_600_010, 10])
})
