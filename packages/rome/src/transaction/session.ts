/** Which reads belong together, and what they cost: a session is one request, followed through its promises. */

import { AsyncLocalStorage } from 'node:async_hooks'

export interface Session {
  /** Whether the store was asked for news since the session began. */
  isFresh: boolean
  /** Answers of the store that the session waited for, those that it shared with others included. */
  roundTrips: number
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
  const session: Session = { isFresh: false, roundTrips: 0 }
  try {
    return await current.run(session, work)
  } finally {
    onEnd(session)
  }
}
