/** A time-out that can be put off, joined with the caller's own signal: one signal that ends a request. */

import type { CancelTimer, Clock } from '@atoll/kit'

export interface DeadlineOptions {
  readonly clock: Clock
  readonly timeoutMs: number
  /** Makes the reason that the signal has when time is up. */
  readonly onTimeout: () => Error
  readonly signal?: AbortSignal | undefined
}

export class Deadline implements Disposable {
  readonly #options: DeadlineOptions
  readonly #abort = new AbortController()
  readonly #onAbort = () => this.#abort.abort(this.#options.signal?.reason)
  #cancel: CancelTimer
  #isStopped = false

  constructor(options: DeadlineOptions) {
    this.#options = options
    this.#cancel = this.#arm()
    if (options.signal?.aborted) this.#onAbort()
    else options.signal?.addEventListener('abort', this.#onAbort, { once: true })
  }

  get signal(): AbortSignal {
    return this.#abort.signal
  }

  /** Starts the whole time anew, since there was progress. */
  restart(): void {
    this.#cancel()
    if (!this.#isStopped) this.#cancel = this.#arm()
  }

  /** No time-out any more; the caller's signal stays joined until disposal. */
  stop(): void {
    this.#isStopped = true
    this.#cancel()
  }

  [Symbol.dispose](): void {
    this.stop()
    this.#options.signal?.removeEventListener('abort', this.#onAbort)
  }

  /** Resolves or rejects as `promise` does, or rejects with the reason of the signal, whichever is first. */
  race<T>(promise: Promise<T>): Promise<T> {
    const { signal } = this
    return new Promise((resolve, reject) => {
      const onAbort = () => reject(signal.reason)
      if (signal.aborted) onAbort()
      else signal.addEventListener('abort', onAbort, { once: true })
      promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
    })
  }

  #arm(): CancelTimer {
    const { clock, timeoutMs, onTimeout } = this.#options
    return clock.after(timeoutMs, () => this.#abort.abort(onTimeout()))
  }
}
