/** Waiting for others (a client, another site) ends when the caller aborts, even when they never answer. */

import { TransferAborted } from './errors.ts'

/** Settles as `work` does, or rejects with `TransferAborted` when `signal` aborts first. */
export async function abortable<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return await work
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const abort = () => reject(TransferAborted({}, { cause: signal.reason }))
  if (signal.aborted) abort()
  signal.addEventListener('abort', abort, { once: true })
  try {
    return await Promise.race([aborted, work])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}
