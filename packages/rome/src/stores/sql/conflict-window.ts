/**
 * How many transactions of this peer run at a time: as many as get through. A conflict halves the window and a success
 * widens it a little (additive increase, multiplicative decrease; Chiu and Jain, 1989), since transactions
 * that only make each other start again are slower side by side than one after the other.
 */

import { TooBusy } from '@atoll/kit'

export interface ConflictWindowOptions {
  /** What is limited, as the client reads it. */
  readonly what: string
  readonly concurrencyMax: number
  readonly waitingMax: number
}

export class ConflictWindow {
  readonly #options: ConflictWindowOptions
  readonly #waiting: (() => void)[] = []
  #window: number
  #running = 0

  constructor(options: ConflictWindowOptions) {
    this.#options = options
    this.#window = options.concurrencyMax
  }

  /** Resolves when there is a place. @throws TooBusy */
  enter(): Promise<void> {
    if (this.#running < Math.floor(this.#window)) {
      this.#running++
      return Promise.resolve()
    }
    const { what, waitingMax } = this.#options
    if (this.#waiting.length >= waitingMax) return Promise.reject(TooBusy({ what }, { retryAfterMs: 1000 }))
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  leave(outcome: 'done' | 'conflict'): void {
    this.#running--
    this.#window =
      outcome === 'conflict'
        ? Math.max(1, this.#window / 2)
        : Math.min(this.#options.concurrencyMax, this.#window + 1 / this.#window)
    while (this.#running < Math.floor(this.#window)) {
      const next = this.#waiting.shift()
      if (!next) return
      this.#running++
      next()
    }
  }
}
