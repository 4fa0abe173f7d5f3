/** At most so many at a time, at most so many waiting: the bound behind everything that queues. */

import { defineError } from './define-error.ts'

export const TooBusy = defineError({
  code: 'kit.limiter.too_busy',
  status: 429,
  fault: 'overLimit',
  message: ({ what }: { what: string }) => `Too many requests are waiting for ${what}; try again shortly.`,
})

export interface LimiterOptions {
  /** What is limited, as the client reads it. */
  readonly what: string
  readonly concurrencyMax: number
  /** How many may wait. One more is refused with `TooBusy` at once. */
  readonly waitingMax: number
  readonly retryAfterMs?: number
}

export class Limiter {
  readonly #options: LimiterOptions
  readonly #waiting: (() => void)[] = []
  #running = 0

  constructor(options: LimiterOptions) {
    this.#options = options
  }

  get waiting(): number {
    return this.#waiting.length
  }

  /** Runs `work` when a place is free, in order of arrival. @throws TooBusy when the queue is full */
  async run<T>(work: () => Promise<T>): Promise<T> {
    await this.#enter()
    try {
      return await work()
    } finally {
      this.#leave()
    }
  }

  #enter(): Promise<void> {
    const { what, concurrencyMax, waitingMax, retryAfterMs = 1000 } = this.#options
    if (this.#running < concurrencyMax) {
      this.#running++
      return Promise.resolve()
    }
    if (this.#waiting.length >= waitingMax) return Promise.reject(TooBusy({ what }, { retryAfterMs }))
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  // The place passes straight to the next in line, so that a newcomer cannot overtake it.
  #leave(): void {
    const next = this.#waiting.shift()
    if (next) next()
    else this.#running--
  }
}
