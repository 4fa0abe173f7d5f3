/** How long sessions of SQL servers wait, and are waited for. */

/** For one statement, unless the store is told otherwise: after that the server counts as gone. */
export const STATEMENT_MS_MAX = 15_000

/** For a lock. A deadlock is found at once; this bounds a wait for somebody who does not end, and counts as a conflict. */
export const LOCK_MS_MAX = 5000

/**
 * The server ends a session that has said nothing for so long in the midst of a transaction: its peer is gone without a word, and
 * others wait for its locks. A third of a statement's time, so that theirs does not end before.
 */
export function idleMsMax(statementMsMax: number): number {
  return Math.ceil(statementMsMax / 3)
}
