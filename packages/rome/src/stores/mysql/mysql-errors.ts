/** MariaDB's error numbers (https://mariadb.com/kb/en/mariadb-error-code-reference/) as our errors. */

import {
  OutcomeUnknown,
  StoreFull,
  StoreReadOnly,
  StoreUnavailable,
  TransactionConflict,
  UniqueViolation,
  ValueRefused,
} from '../../errors.ts'
import type { Catalogue, UniqueKey } from '../sql/catalogue.ts'

export interface ErrorContext {
  /** The store, for people. */
  readonly description: string
  readonly catalogue: Catalogue
  /** The table that the statement writes, as far as it has one. */
  readonly table?: string | undefined
  /** True from the moment when the commit was sent. */
  readonly isCommit?: boolean
}

interface MysqlError extends Error {
  readonly errno: number
  readonly code: string
  readonly fatal?: boolean
}

// Deadlock, lock wait time-out, a row that changed since it was read, and Galera's "Got error 149 during COMMIT".
const CONFLICTS = new Set([1213, 1205, 1020, 1180])
// Disk full, table full, and an error of the file system while writing.
const FULL = new Set([1021, 1114, 3, 1026])
// --read-only, read-only transactions, and read-only by the administrator or InnoDB itself.
const READ_ONLY = new Set([1290, 1792, 1836, 1874])
// Shutting down, killed, too many connections, access, no such database, "WSREP has not yet prepared node".
const UNAVAILABLE = new Set([
  1053, 1927, 1317, 1969, 3024, 1040, 1203, 1044, 1045, 1049, 1047, 1130, 1129, 1158, 1160,
])
// Too long, out of range, not text.
const REFUSED = new Set([1406, 1264, 1366, 1118, 1139, 1153])

/** The typed error for what the server said, or `error` itself when it is a bug of ours. */
export function translateMysqlError(error: unknown, context: ErrorContext): unknown {
  if (!isMysqlError(error)) return error
  const { description, isCommit = false } = context
  const options = { cause: error }
  if (error.errno === 1062) return UniqueViolation(violatedKey(error.message, context), options)
  if (CONFLICTS.has(error.errno)) return TransactionConflict({}, options)
  if (FULL.has(error.errno)) return StoreFull({}, options)
  if (READ_ONLY.has(error.errno)) return StoreReadOnly({ store: description }, options)
  if (REFUSED.has(error.errno)) return ValueRefused({ reason: error.message }, options)
  const isLost = error.fatal === true || error.errno === undefined || UNAVAILABLE.has(error.errno)
  if (!isLost) return error
  return isCommit && error.errno !== 1047
    ? OutcomeUnknown({ store: description }, options)
    : StoreUnavailable({ path: description, reason: error.message }, options)
}

// The message is the only place where the server names the index: "Duplicate entry '…' for key 'islands_name_unique'".
function violatedKey(message: string, { catalogue, table = '' }: ErrorContext): UniqueKey {
  const name = /for key '(?:[^']*\.)?([^'.]+)'$/.exec(message)?.[1] ?? ''
  return catalogue.uniqueKey(name) ?? catalogue.primaryKey(table)
}

function isMysqlError(error: unknown): error is MysqlError {
  return error instanceof Error && ('errno' in error || 'fatal' in error || 'code' in error)
}
