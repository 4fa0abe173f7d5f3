/** PostgreSQL's error codes (https://www.postgresql.org/docs/15/errcodes-appendix.html) as our errors. */

import { DatabaseError } from 'pg'
import type { Catalogue, UniqueKey } from '../sql/catalogue.ts'
import { type ErrorContext, errorOf, type SqlFailure } from '../sql/sql-failure.ts'

// Serialization failure, deadlock, lock time-out.
const CONFLICTS = new Set(['40001', '40P01', '55P03'])
// Too long, out of range, a character that text cannot hold.
const REFUSED = new Set(['22001', '22003', '22021', '22P05', '54000'])
// Connection, resources, intervention of the operator, input and output, access, no such database.
const LOST = /^(08|53|57|58|28|3D)/

/** The typed error for what the server said, or `error` itself when it is a bug of ours. */
export function translatePostgresqlError(error: unknown, context: ErrorContext): unknown {
  if (!(error instanceof Error)) return error
  const failure = failureOf(error, context)
  return failure ? errorOf(failure, error, context) : error
}

function failureOf(error: Error, { catalogue }: ErrorContext): SqlFailure | undefined {
  const code = codeOf(error)
  if (code === '23505') return { kind: 'duplicate', key: violatedKey(error as DatabaseError, catalogue) }
  if (CONFLICTS.has(code)) return { kind: 'conflict' }
  if (code === '53100') return { kind: 'full' }
  if (code === '25006') return { kind: 'read only' }
  if (REFUSED.has(code)) return { kind: 'value refused' }
  if (code === 'XX001' || code === 'XX002') return { kind: 'corrupt' }
  return isLost(error) ? { kind: 'lost' } : undefined
}

/** Whether the session is of no more use after this error. What the driver says without a code is about its socket. */
export function isLost(error: Error): boolean {
  return !(error instanceof DatabaseError) || LOST.test(codeOf(error))
}

/** Whether a session was refused since the server has as many as it may: `max_connections`, or those of a role or a database. */
export function isCrowded(error: unknown): boolean {
  const { cause } = Object(error) as { cause?: unknown }
  return cause instanceof DatabaseError && cause.code === '53300'
}

function codeOf(error: Error): string {
  return error instanceof DatabaseError ? (error.code ?? '') : ''
}

function violatedKey({ table = '', constraint = '' }: DatabaseError, catalogue: Catalogue): UniqueKey {
  return catalogue.uniqueKey(constraint) ?? catalogue.primaryKey(table)
}
