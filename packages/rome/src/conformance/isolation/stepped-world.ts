/**
 * A world in which one thing happens at a time, in an order drawn from a seed: what waits for its turn, then what waits for
 * time to pass. One seed is one run.
 */

import { type CancelTimer, type Clock, type Random, seededRandom } from '@atoll/kit'

interface Timer {
  readonly atMs: number
  readonly action: () => void
}

/** A run that takes more steps than this does not end. */
const STEPS_MAX = 1_000_000

export class SteppedWorld {
  readonly random: Random
  readonly clock: Clock = {
    nowMs: () => this.#nowMs,
    monotonicMs: () => this.#nowMs,
    after: (delayMs, action) => this.#after(delayMs, action),
  }
  readonly #waiting: (() => void)[] = []
  readonly #timers = new Set<Timer>()
  #nowMs = 0

  constructor(seed: string) {
    this.random = seededRandom(seed)
  }

  /** Resolves when it is this one's turn. */
  turn = (): Promise<void> => new Promise((resolve) => this.defer(resolve))

  /** Calls `action` when it is its turn. */
  defer = (action: () => void): void => {
    this.#waiting.push(action)
  }

  /** Lets things happen until `end` is settled. @throws when nothing is left to happen before that */
  async run<Result>(end: Promise<Result>): Promise<Result> {
    let isOver = false
    const note = () => {
      isOver = true
    }
    end.then(note, note)
    for (let steps = 0; !isOver; steps++) {
      if (steps > STEPS_MAX) throw new Error('the world does not come to rest')
      await new Promise((resolve) => setImmediate(resolve))
      if (!isOver && !this.#step()) throw new Error('nothing is left to happen')
    }
    return end
  }

  #step(): boolean {
    if (this.#waiting.length > 0) {
      const [action] = this.#waiting.splice(this.random.below(this.#waiting.length), 1)
      action?.()
      return true
    }
    let next: Timer | undefined
    for (const timer of this.#timers) if (!next || timer.atMs < next.atMs) next = timer
    if (!next) return false
    this.#timers.delete(next)
    this.#nowMs = Math.max(this.#nowMs, next.atMs)
    next.action()
    return true
  }

  #after(delayMs: number, action: () => void): CancelTimer {
    const timer = { atMs: this.#nowMs + delayMs, action }
    this.#timers.add(timer)
    return () => this.#timers.delete(timer)
  }
}
