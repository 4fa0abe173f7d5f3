/** Which reads belong together, and what they cost: a session is one request, followed through its promises. */

import { AsyncLocalStorage } from 'node:async_hooks'

export interface Session {
  /** Whether the store was asked for news since the session began. */
  isFresh: boolean
  /** Answers of the store that the session waited for, one after the other; some of them serve others, too. */
  roundTrips: number
  /** The answer that was counted last: several reads at once wait for the same one. */
  counted: Promise<unknown> | undefined
}

const current = new AsyncLocalStorage<Session>()

export function currentSession(): Session | undefined {
  return current.getStore()
}

/** Runs `work` in a session of its own, or in the one under way. `onEnd` is told of one that ended. */
export async function inSession<Result>(
  work: () => Promise<Result>,
  onEnd: (session: Session) => void,
): Promise<Result> {
  if (current.getStore()) return work()
  const session: Session = { isFresh: false, roundTrips: 0, counted: undefined }
  try {
    return await current.run(session, work)
  } finally {
    onEnd(session)
  }
}

/** Counts that `session` waits for `answer`. */
export function countRoundTrip(session: Session | undefined, answer: Promise<unknown>): void {
  if (!session || session.counted === answer) return
  session.counted = answer
  session.roundTrips++
}
