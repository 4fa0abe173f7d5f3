/** Time as a parameter: production reads the machine's clock, the simulator its own. */

export interface Clock {
  /** Wall clock: milliseconds since the Unix epoch. May jump; use it for what people read, never for intervals. */
  nowMs(): number
  /** Milliseconds since an arbitrary start; never goes back. Use it for intervals and time-outs. */
  monotonicMs(): number
  /** Calls `action` once after `delayMs`. The returned function cancels it and may be called at any time. */
  after(delayMs: number, action: () => void): CancelTimer
}

export type CancelTimer = () => void

/** The machine's own clock. Its timers do not keep the process alive. */
export const systemClock: Clock = Object.freeze({
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after: (delayMs: number, action: () => void) => {
    // Node complains about what is overdue.
    const timer = setTimeout(action, Math.max(0, delayMs))
    timer.unref()
    return () => clearTimeout(timer)
  },
})

/** Resolves after `delayMs`, or at once, without an error, when `signal` aborts. */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve()
    const finish = () => {
      cancel()
      signal?.removeEventListener('abort', finish)
      resolve()
    }
    const cancel = clock.after(delayMs, finish)
    signal?.addEventListener('abort', finish, { once: true })
  })
}
