/**
 * Asks every entry of a view whether it is there, once a partner was silent: where one site died, more may have. Without
 * it each dead link waits until it is the oldest, and is copied meanwhile into the places that others left empty.
 *
 *     check ──▶ all of the view;  silent ones twice more;  silent again ⇒ dead
 */

import type { CancelTimer } from '@atoll/kit'
import type { Environment } from '../protocol/environment.ts'
import type { Descriptor } from './descriptor.ts'

/** One lost exchange is common; three in a row happen to one entry of a thousand at a loss of 5 %. */
const TRIES = 3

export interface ViewCheckOptions {
  readonly environment: Environment
  readonly answerMsMax: number
  /** Those that did not answer; none when all did. */
  readonly onSilent: (silent: readonly Descriptor[]) => void
}

export class ViewCheck {
  readonly #options: ViewCheckOptions
  readonly #waiting = new Map<string, Descriptor>()
  #tries = 0
  #cancel: CancelTimer = () => {}

  constructor(options: ViewCheckOptions) {
    this.#options = options
  }

  /** Checks `descriptors` unless a check is under way. */
  begin(descriptors: readonly Descriptor[]): void {
    if (this.#waiting.size > 0) return
    this.#tries = 0
    for (const descriptor of descriptors) this.#waiting.set(descriptor.contact.site, descriptor)
    this.#ask()
  }

  heard(site: string): void {
    this.#waiting.delete(site)
  }

  stop(): void {
    this.#cancel()
    this.#waiting.clear()
  }

  #ask(): void {
    const { environment, answerMsMax } = this.#options
    this.#tries++
    for (const { contact } of this.#waiting.values())
      environment.send(contact, { type: 'cyclon.check', version: 1 })
    this.#cancel = environment.clock.after(answerMsMax, this.#onTimeout)
  }

  readonly #onTimeout = (): void => {
    if (this.#waiting.size === 0) return
    if (this.#tries < TRIES) {
      this.#ask()
      return
    }
    const silent = [...this.#waiting.values()]
    this.#waiting.clear()
    this.#options.onSilent(silent)
  }
}
