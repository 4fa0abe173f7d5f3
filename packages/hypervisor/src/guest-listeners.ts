/** The subscribers of a driver. A listener that throws is a bug of its owner and must not harm the guests. */

import type { Logger } from '@atoll/kit'
import type { GuestEvent, GuestListener } from './hypervisor.ts'

export class GuestListeners {
  readonly #listeners = new Set<GuestListener>()
  readonly #log: Logger

  constructor(log: Logger) {
    this.#log = log
  }

  add(listener: GuestListener): () => void {
    // The wrapper makes two subscriptions of one function two subscriptions.
    const entry: GuestListener = (event) => listener(event)
    this.#listeners.add(entry)
    return () => this.#listeners.delete(entry)
  }

  emit(event: GuestEvent): void {
    for (const listener of [...this.#listeners]) {
      try {
        listener(event)
      } catch (error) {
        this.#log.error({ err: error, event }, 'listener of guest events failed')
      }
    }
  }

  clear(): void {
    this.#listeners.clear()
  }
}
