/** Waits for a condition with a bound: what every client of an asynchronous API needs. */

import { type Clock, sleep, systemClock } from '@atoll/kit'
import { NotInTime } from './errors.ts'

export interface WaitOptions {
  /** What is awaited, as the error says it; a function when that depends on what was seen. */
  readonly what: string | (() => string)
  readonly timeoutMs: number
  /** Pause between two looks. */
  readonly intervalMs?: number
  readonly clock?: Clock
  readonly signal?: AbortSignal
}

/** The machine's clock, with timers that keep the process alive: a client has nothing else to do than to wait. */
const waitingClock: Clock = {
  ...systemClock,
  after: (delayMs, action) => {
    const timer = setTimeout(action, delayMs)
    return () => clearTimeout(timer)
  },
}

/**
 * Calls `look` until it returns something else than undefined or false, and returns that. What `look` throws ends the
 * wait. @throws NotInTime
 */
export async function waitUntil<T>(
  { what, timeoutMs, intervalMs = 100, clock = waitingClock, signal }: WaitOptions,
  look: () => Promise<T | undefined | false> | T | undefined | false,
): Promise<T> {
  const deadlineMs = clock.monotonicMs() + timeoutMs
  for (;;) {
    signal?.throwIfAborted()
    const found = await look()
    if (found !== undefined && found !== false) return found
    if (clock.monotonicMs() >= deadlineMs)
      throw NotInTime({ what: typeof what === 'string' ? what : what(), timeoutMs })
    await sleep(clock, intervalMs, signal)
  }
}
