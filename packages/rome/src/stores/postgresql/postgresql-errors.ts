/** PostgreSQL's error codes (https://www.postgresql.org/docs/15/errcodes-appendix.html) as our errors. */

import { DatabaseError } from 'pg'
import {
  OutcomeUnknown,
  StoreCorrupt,
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
  /** True from the moment when the commit was sent. */
  readonly isCommit?: boolean
}

// Serialization failure, deadlock, lock time-out.
const CONFLICTS = new Set(['40001', '40P01', '55P03'])
// Too long, out of range, a character that text cannot hold.
const REFUSED = new Set(['22001', '22003', '22021', '22P05', '54000'])
// Connection, resources, intervention of the operator, input and output, access, no such database.
const LOST = /^(08|53|57|58|28|3D)/

/** The typed error for what the server said, or `error` itself when it is a bug of ours. */
export function translatePostgresqlError(error: unknown, context: ErrorContext): unknown {
  if (!(error instanceof Error)) return error
  const { description, isCommit = false } = context
  const options = { cause: error }
  const code = codeOf(error)
  if (code === '23505')
    return UniqueViolation(violatedKey(error as DatabaseError, context.catalogue), options)
  if (CONFLICTS.has(code)) return TransactionConflict({}, options)
  if (code === '53100') return StoreFull({}, options)
  if (code === '25006') return StoreReadOnly({ store: description }, options)
  if (REFUSED.has(code)) return ValueRefused({ reason: error.message }, options)
  if (code === 'XX001' || code === 'XX002') return StoreCorrupt({ path: description }, options)
  if (!isLost(error)) return error
  return isCommit
    ? OutcomeUnknown({ store: description }, options)
    : StoreUnavailable({ path: description, reason: error.message }, options)
}

/** Whether the session is of no more use after this error. What the driver says without a code is about its socket. */
export function isLost(error: Error): boolean {
  return !(error instanceof DatabaseError) || LOST.test(codeOf(error))
}

function codeOf(error: Error): string {
  return error instanceof DatabaseError ? (error.code ?? '') : ''
}

function violatedKey({ table = '', constraint = '' }: DatabaseError, catalogue: Catalogue): UniqueKey {
  return catalogue.uniqueKey(constraint) ?? catalogue.primaryKey(table)
}
