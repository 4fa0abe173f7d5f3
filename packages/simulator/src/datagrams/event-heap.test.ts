import assert from 'node:assert/strict'
import test from 'node:test'
import { seededRandom } from '@atoll/kit'
import { seedsToRun } from '../seeds.ts'
import { EventHeap, TIMER } from './event-heap.ts'

test('events come in order of time, and at one time in the order in which they were added', (context) => {
  const [seed = 1] = seedsToRun({ from: 1, count: 1 })
  context.diagnostic(`SEED=${seed}`)
  const random = seededRandom(seed)
  const heap = new EventHeap()
  const added: { atMs: number; order: number }[] = []
  const seen: typeof added = []
  const takeOne = () => {
    const slot = heap.take()
    seen.push(heap.payload[slot] as (typeof added)[number])
    heap.release(slot)
  }
  let nowMs = 0
  for (let order = 0; order < 20_000; order++) {
    const event = { atMs: nowMs + random.below(100), order }
    added.push(event)
    heap.add(event.atMs, 0, TIMER, 0, event)
    if (random.below(3) === 0) {
      nowMs = heap.nextAtMs
      takeOne()
    }
  }
  while (heap.size > 0) takeOne()
  assert.equal(heap.nextAtMs, Number.POSITIVE_INFINITY)
  assert.deepEqual(
    seen,
    added.toSorted((left, right) => left.atMs - right.atMs || left.order - right.order),
  )
})

test('a cancelled event has no payload, and its ticket does not cancel the next that has its slot', () => {
  const heap = new EventHeap()
  const slot = heap.add(1, 0, TIMER, 0, { name: 'first' })
  const ticket = heap.ticketOf(slot)
  heap.cancel(slot, ticket)
  assert.equal(heap.payload[heap.take()], undefined)
  heap.release(slot)
  assert.equal(heap.add(2, 0, TIMER, 0, { name: 'second' }), slot)
  heap.cancel(slot, ticket)
  assert.deepEqual(heap.payload[heap.take()], { name: 'second' })
})
