/**
 * Asks entries of a view whether they are there, once a partner was silent: where one site died, more may have. Without it
 * each dead link waits until it is the oldest, and is copied meanwhile into the places that others left empty.
 *
 *     check ──▶ each entry;  silent ones twice more, a time-out later;  silent again ⇒ dead
 */

import type { CancelTimer } from '@atoll/kit'
import type { Environment } from '../protocol/environment.ts'
import type { Descriptor } from './descriptor.ts'

/** One lost exchange is common; three in a row happen to one entry of a thousand at a loss of 5 %. */
const TRIES = 3

export interface ViewCheckOptions {
  readonly environment: Environment
  readonly answerMsMax: number
  /** Those that did not answer. */
  readonly onSilent: (silent: readonly Descriptor[]) => void
}

interface Asked {
  readonly descriptor: Descriptor
  tries: number
}

export class ViewCheck {
  readonly #options: ViewCheckOptions
  readonly #asked = new Map<string, Asked>()
  #cancel: CancelTimer = () => {}

  constructor(options: ViewCheckOptions) {
    this.#options = options
  }

  /** Asks those that are not being asked already. */
  begin(descriptors: readonly Descriptor[]): void {
    const isIdle = this.#asked.size === 0
    for (const descriptor of descriptors) {
      const { site } = descriptor.contact
      if (this.#asked.has(site)) continue
      const asked = { descriptor, tries: 0 }
      this.#asked.set(site, asked)
      this.#ask(asked)
    }
    if (isIdle) this.#wait()
  }

  /** True while a site has not said that it is there: nobody should hear of it. */
  isDoubted(site: string): boolean {
    return this.#asked.has(site)
  }

  heard(site: string): void {
    this.#asked.delete(site)
  }

  stop(): void {
    this.#cancel()
    this.#asked.clear()
  }

  #ask(asked: Asked): void {
    asked.tries++
    this.#options.environment.send(asked.descriptor.contact, { type: 'cyclon.check', version: 1 })
  }

  /** One timer for all: who is asked between two of its ticks has less time for the first answer, not for the last. */
  #wait(): void {
    const { environment, answerMsMax } = this.#options
    if (this.#asked.size > 0) this.#cancel = environment.clock.after(answerMsMax, this.#onTick)
  }

  readonly #onTick = (): void => {
    const silent: Descriptor[] = []
    for (const [site, asked] of this.#asked) {
      if (asked.tries < TRIES) this.#ask(asked)
      else {
        silent.push(asked.descriptor)
        this.#asked.delete(site)
      }
    }
    this.#wait()
    if (silent.length > 0) this.#options.onSilent(silent)
  }
}
