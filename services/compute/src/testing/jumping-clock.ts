/** A clock for tests that stands still until it is told to jump, so that a minute of waiting takes no time. */

import type { CancelTimer, Clock } from '@atoll/kit'

const EPOCH_MS = Date.UTC(2030, 0, 15, 12)
/** More turns of the event loop than any test's work needs: it then runs in a loop. */
const TURNS_MAX = 20_000

interface Timer {
  readonly atMs: number
  readonly action: () => void
}

export class JumpingClock implements Clock {
  readonly #timers = new Set<Timer>()
  #elapsedMs = 0

  nowMs(): number {
    return EPOCH_MS + this.#elapsedMs
  }

  monotonicMs(): number {
    return this.#elapsedMs
  }

  after(delayMs: number, action: () => void): CancelTimer {
    const timer = { atMs: this.#elapsedMs + Math.max(0, delayMs), action }
    this.#timers.add(timer)
    return () => this.#timers.delete(timer)
  }

  /** Lets time pass; what is due meanwhile is not called. */
  advance(byMs: number): void {
    this.#elapsedMs += byMs
  }

  /**
   * Lets the process do what it can, and jumps from timer to timer until `condition` holds.
   * Throws when that takes longer than `withinMs` of this clock.
   */
  async until(what: string, condition: () => boolean | Promise<boolean>, withinMs = 30_000): Promise<void> {
    const untilMs = this.#elapsedMs + withinMs
    for (;;) {
      await comeToRest()
      if (await condition()) return
      if (!this.#jump(untilMs)) throw new Error(`not within ${withinMs} ms: ${what}`)
    }
  }

  /** Lets everything happen that is due within `durationMs`. */
  async pass(durationMs: number): Promise<void> {
    const untilMs = this.#elapsedMs + durationMs
    await comeToRest()
    while (this.#jump(untilMs)) await comeToRest()
    this.#elapsedMs = untilMs
  }

  #jump(untilMs: number): boolean {
    let next: Timer | undefined
    for (const timer of this.#timers) if (!next || timer.atMs < next.atMs) next = timer
    if (!next || next.atMs > untilMs) return false
    this.#timers.delete(next)
    this.#elapsedMs = Math.max(this.#elapsedMs, next.atMs)
    next.action()
    return true
  }
}

/** All work of a store in the same process is ticks and immediates. */
async function comeToRest(): Promise<void> {
  for (let turns = 0; turns < TURNS_MAX; turns++) {
    await new Promise((resolve) => setImmediate(resolve))
    if (!process.getActiveResourcesInfo().includes('Immediate')) return
  }
  throw new Error('the process does not come to rest')
}
