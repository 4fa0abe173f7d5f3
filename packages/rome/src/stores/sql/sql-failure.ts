/** What SQL servers refuse, each with codes of its own, as the typed errors that all of them share. */

import { assertNever } from '@atoll/kit'
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
import type { Catalogue, UniqueKey } from './catalogue.ts'

export interface ErrorContext {
  /** The store, for people. */
  readonly description: string
  readonly catalogue: Catalogue
  /** The table that the statement writes, as far as it has one. */
  readonly table?: string | undefined
  /** True from the moment when the commit was sent. */
  readonly isCommit?: boolean
}

export type SqlFailure =
  | { readonly kind: 'duplicate'; readonly key: UniqueKey }
  /** Others were in the way; the transaction is rolled back. */
  | { readonly kind: 'conflict' }
  | { readonly kind: 'full' }
  | { readonly kind: 'read only' }
  | { readonly kind: 'value refused' }
  | { readonly kind: 'corrupt' }
  /** The session is gone, or never was. */
  | { readonly kind: 'lost' }
  /** The server takes no part: what was asked of it was certainly not done. */
  | { readonly kind: 'not ready' }

export function errorOf(
  failure: SqlFailure,
  cause: Error,
  { description, isCommit = false }: Pick<ErrorContext, 'description' | 'isCommit'>,
): Error {
  const options = { cause }
  const unavailable = () => StoreUnavailable({ path: description, reason: cause.message }, options)
  switch (failure.kind) {
    case 'duplicate':
      return UniqueViolation(failure.key, options)
    case 'conflict':
      return TransactionConflict({}, options)
    case 'full':
      return StoreFull({}, options)
    case 'read only':
      return StoreReadOnly({ store: description }, options)
    case 'value refused':
      return ValueRefused({ reason: cause.message }, options)
    case 'corrupt':
      return StoreCorrupt({ path: description }, options)
    case 'not ready':
      return unavailable()
    case 'lost':
      return isCommit ? OutcomeUnknown({ store: description }, options) : unavailable()
    default:
      return assertNever(failure)
  }
}
