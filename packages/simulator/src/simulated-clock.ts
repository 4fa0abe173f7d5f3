/** Time that moves only from one event to the next. */

import { assert, type CancelTimer, type Clock } from '@atoll/kit'
import { EventQueue } from './event-queue.ts'

/** Noon of a day in 2030: far from every epoch, so that a time that lacks its origin stands out. */
const EPOCH_MS = Date.UTC(2030, 0, 15, 12)

export class SimulatedClock implements Clock {
  readonly #events = new EventQueue()
  #nowMs = 0
  #leptMs = 0

  nowMs(): number {
    return EPOCH_MS + this.#nowMs + this.#leptMs
  }

  monotonicMs(): number {
    return this.#nowMs
  }

  /**
   * It is later by `durationMs`, in which everything stood still, as when all machines are suspended: the time of day has gone
   * on, and what was to happen after a while is as far away as before.
   */
  leap(durationMs: number): void {
    assert(durationMs >= 0, 'time does not go back')
    this.#leptMs += durationMs
  }

  after(delayMs: number, action: () => void): CancelTimer {
    assert(!Number.isNaN(delayMs), 'a timer needs a number')
    return this.#events.add(this.#nowMs + Math.max(0, delayMs), action)
  }

  /** When the next event is due, on the monotonic clock; undefined when nothing is left to happen. */
  get nextAtMs(): number | undefined {
    return this.#events.nextAtMs
  }

  /** Goes to the next event and lets it happen; false when there is none. */
  fireNext(): boolean {
    const atMs = this.#events.nextAtMs
    if (atMs === undefined) return false
    this.#nowMs = atMs
    this.#events.take()?.()
    return true
  }

  /** Passes the time until `atMs` in which nothing happens. */
  advanceTo(atMs: number): void {
    const next = this.#events.nextAtMs
    assert(next === undefined || next >= atMs, 'an event would be passed over')
    this.#nowMs = Math.max(this.#nowMs, atMs)
  }
}
