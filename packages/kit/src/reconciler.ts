/**
 * The loop of every reconciler: look at intent, look at the world, close the gap, sleep, repeat. A poke makes it
 * look again soon; it carries no data, so a lost or doubled poke changes nothing but the time of the next look.
 */

import type { Clock } from './clock.ts'
import type { Logger } from './log.ts'
import type { Service } from './service.ts'

export interface ReconcilerOptions {
  readonly name: string
  readonly clock: Clock
  readonly log: Logger
  /** The pause after a pass when nobody pokes. */
  readonly intervalMs: number
  /** One pass. Takes no input but the signal; must be idempotent. A throw is logged and the next pass tries again. */
  readonly pass: (signal: AbortSignal) => Promise<void>
}

export class Reconciler implements Service {
  readonly name: string
  readonly #options: ReconcilerOptions
  #isPoked = true
  #wake: (() => void) | undefined

  constructor(options: ReconcilerOptions) {
    this.name = options.name
    this.#options = options
  }

  /** Asks for a pass soon. One that is under way is followed by another. */
  poke(): void {
    this.#isPoked = true
    this.#wake?.()
  }

  async run(signal: AbortSignal): Promise<void> {
    const { log, pass } = this.#options
    while (!signal.aborted) {
      this.#isPoked = false
      try {
        await pass(signal)
      } catch (error) {
        log.warn({ reconciler: this.name, err: error }, 'pass failed; the next one tries again')
      }
      await this.#pause(signal)
    }
  }

  #pause(signal: AbortSignal): Promise<void> {
    if (this.#isPoked || signal.aborted) return Promise.resolve()
    return new Promise((resolve) => {
      const wake = () => {
        cancel()
        signal.removeEventListener('abort', wake)
        this.#wake = undefined
        resolve()
      }
      const cancel = this.#options.clock.after(this.#options.intervalMs, wake)
      signal.addEventListener('abort', wake, { once: true })
      this.#wake = wake
    })
  }
}
