/**
 * Keeps something in memory up to date with a store that may fail: asked for often, done once at a time, and again until it
 * succeeds. Nobody waits for it, so nobody else could hear of a failure.
 */

import { type Clock, sleep } from './clock.ts'

export interface RefresherOptions {
  readonly clock: Clock
  /** Brings it up to date. May throw; must be idempotent. */
  readonly refresh: () => Promise<void>
}

const PAUSE_MS = 100
const PAUSE_MS_MAX = 5000

export class Refresher {
  readonly #options: RefresherOptions
  #isWanted = false
  #isRunning = false

  constructor(options: RefresherOptions) {
    this.#options = options
  }

  /** Asks for a refresh. One that is under way is followed by another. */
  request(): void {
    this.#isWanted = true
    if (!this.#isRunning) void this.#run()
  }

  async #run(): Promise<void> {
    const { clock, refresh } = this.#options
    this.#isRunning = true
    let pauseMs = PAUSE_MS
    while (this.#isWanted) {
      this.#isWanted = false
      try {
        await refresh()
        pauseMs = PAUSE_MS
      } catch {
        // The store says by itself, to those who ask it for something, that it is away.
        this.#isWanted = true
        await sleep(clock, pauseMs)
        pauseMs = Math.min(2 * pauseMs, PAUSE_MS_MAX)
      }
    }
    this.#isRunning = false
  }
}
