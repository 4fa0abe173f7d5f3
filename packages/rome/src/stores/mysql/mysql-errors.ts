/** MariaDB's error numbers (https://mariadb.com/kb/en/mariadb-error-code-reference/) as our errors. */

import type { UniqueKey } from '../sql/catalogue.ts'
import { type ErrorContext, errorOf, type SqlFailure } from '../sql/sql-failure.ts'

interface MysqlError extends Error {
  readonly errno: number
  readonly code: string
  readonly fatal?: boolean
}

export const DEADLOCK = 1213
/** For a lock; or, at a node of Galera, for what the others have committed. */
export const WAITED_TOO_LONG = 1205

// Deadlock, lock wait time-out, a row that changed since it was read, and Galera's "Got error 149 during COMMIT".
const CONFLICTS = new Set([DEADLOCK, WAITED_TOO_LONG, 1020, 1180])
// Disk full, table full, and an error of the file system while writing.
const FULL = new Set([1021, 1114, 3, 1026])
// --read-only, read-only transactions, and read-only by the administrator or InnoDB itself.
const READ_ONLY = new Set([1290, 1792, 1836, 1874])
// Shutting down, killed, too many connections, access, no such database.
const UNAVAILABLE = new Set([
  1053, 1927, 1317, 1969, 3024, 1040, 1203, 1044, 1045, 1049, 1130, 1129, 1158, 1160,
])
/** A node of Galera that is no member of its cluster now: "WSREP has not yet prepared node for application use". */
export const NOT_PREPARED = 1047
// Too long, out of range, not text.
const REFUSED = new Set([1406, 1264, 1366, 1118, 1139, 1153])

/** The typed error for what the server said, or `error` itself when it is a bug of ours. */
export function translateMysqlError(error: unknown, context: ErrorContext): unknown {
  if (!isMysqlError(error)) return error
  const failure = failureOf(error, context)
  return failure ? errorOf(failure, error, context) : error
}

function failureOf(error: MysqlError, context: ErrorContext): SqlFailure | undefined {
  const { errno, message, fatal } = error
  if (errno === 1062) return { kind: 'duplicate', key: violatedKey(message, context) }
  if (CONFLICTS.has(errno)) return { kind: 'conflict' }
  if (FULL.has(errno)) return { kind: 'full' }
  if (READ_ONLY.has(errno)) return { kind: 'read only' }
  if (REFUSED.has(errno)) return { kind: 'value refused' }
  if (errno === NOT_PREPARED) return { kind: 'not ready' }
  return fatal === true || errno === undefined || UNAVAILABLE.has(errno) ? { kind: 'lost' } : undefined
}

/** Whether a session was refused since the server has as many as it may: of all, or of this user. */
export function isCrowded(error: unknown): boolean {
  const { cause } = Object(error) as { cause?: unknown }
  return isMysqlError(cause) && (cause.errno === 1040 || cause.errno === 1203)
}

// The message is the only place where the server names the index: "Duplicate entry '…' for key 'islands_name_unique'".
function violatedKey(message: string, { catalogue, table = '' }: ErrorContext): UniqueKey {
  const name = /for key '(?:[^']*\.)?([^'.]+)'$/.exec(message)?.[1] ?? ''
  return catalogue.uniqueKey(name) ?? catalogue.primaryKey(table)
}

function isMysqlError(error: unknown): error is MysqlError {
  return error instanceof Error && ('errno' in error || 'fatal' in error || 'code' in error)
}
