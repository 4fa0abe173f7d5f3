/** Bounded retries with full jitter (Brooker, "Exponential backoff and jitter", AWS 2015). */

import { type Clock, sleep } from './clock.ts'
import { fraction, type Random } from './random.ts'

export interface RetryOptions {
  readonly clock: Clock
  readonly random: Random
  readonly attemptsMax: number
  /** The pause before attempt n is uniform in `[0, min(pauseMsMax, pauseMs * 2^(n-1)))`. */
  readonly pauseMs: number
  readonly pauseMsMax: number
  /** Only these are worth another try; everything else is thrown at once. */
  readonly isRetryable: (error: unknown) => boolean
  readonly signal?: AbortSignal
}

/** Calls `attempt` until it succeeds; throws the last error when the attempts are used up or `signal` aborts. */
export async function retry<T>(options: RetryOptions, attempt: (number: number) => Promise<T>): Promise<T> {
  for (let number = 1; ; number++) {
    try {
      return await attempt(number)
    } catch (error) {
      if (number >= options.attemptsMax || !options.isRetryable(error) || options.signal?.aborted) throw error
      const ceilingMs = Math.min(options.pauseMsMax, options.pauseMs * 2 ** (number - 1))
      await sleep(options.clock, fraction(options.random) * ceilingMs, options.signal)
    }
  }
}
