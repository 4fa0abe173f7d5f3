/** SQLite's result codes (https://sqlite.org/rescode.html) as our errors. */

import { SqliteError } from 'better-sqlite3'
import { StoreCorrupt, StoreFull, StoreInUse, StoreUnavailable, UniqueViolation } from '../../errors.ts'

/** What an operator can do about a file that cannot be opened. */
export const NO_ACCESS = 'check that its directory exists and belongs to the user of the peer.'

/** The typed error for what SQLite said, or `error` itself when it is a bug of ours. */
export function translateSqliteError(error: unknown, path: string): unknown {
  if (!(error instanceof SqliteError)) return error
  const cause = { cause: error }
  switch (error.code) {
    case 'SQLITE_CONSTRAINT_UNIQUE':
    case 'SQLITE_CONSTRAINT_PRIMARYKEY':
      return UniqueViolation(violatedColumns(error.message), cause)
    case 'SQLITE_FULL':
    case 'SQLITE_IOERR_WRITE':
      return StoreFull({}, cause)
    case 'SQLITE_BUSY':
    case 'SQLITE_BUSY_RECOVERY':
    case 'SQLITE_LOCKED':
      return StoreInUse({ path }, cause)
    case 'SQLITE_CANTOPEN':
    case 'SQLITE_READONLY':
    case 'SQLITE_READONLY_DIRECTORY':
    case 'SQLITE_PERM':
      return StoreUnavailable({ path, reason: NO_ACCESS }, cause)
    default:
      return /^SQLITE_(CORRUPT|NOTADB)/.test(error.code) ? StoreCorrupt({ path }, cause) : error
  }
}

// The message is the only place where SQLite names the columns: "UNIQUE constraint failed: t.a, t.b".
function violatedColumns(message: string): { table: string; columns: string[] } {
  const names = message.slice(message.lastIndexOf(': ') + 2).split(', ')
  return { table: names[0]?.split('.')[0] ?? '', columns: names.map((name) => name.split('.')[1] ?? name) }
}
