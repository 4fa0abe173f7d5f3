/** What the resources of identity stand on, and the few things that all of them do. */

import { BadRequest, type Context, type Target } from '@atoll/http'
import type { Clock, Logger, Random } from '@atoll/kit'
import { cloudScope, NotHome, type RecordTable, type State, type StateTransaction } from '@atoll/state'
import type { Catalog } from './catalog/catalog.ts'
import { PASSWORD_BYTES_MAX, type Passwords } from './passwords/passwords.ts'
import type { RecordSites } from './projects/kept-at.ts'
import { revocations, roleAssignments } from './records.ts'
import { DELETED_KEPT_MS } from './tokens/standing.ts'
import type { Tokens } from './tokens/tokens.ts'

/** A request whose query and body a helper does not look at. */
export type AnyContext = Context<unknown, unknown>

export interface Identity {
  readonly state: State
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly passwords: Passwords
  readonly tokens: Tokens
  readonly catalog: Catalog
  /** Default: no site is known, and every project is kept everywhere. */
  readonly recordSites?: RecordSites
}

/** Identity looks behind every name itself; what a caller may see of it is decided by policy rules. */
export const identityScope = cloudScope('identity')

/**
 * Checks a rule against a row. A row that does not exist is refused as one that may not be seen, to all who may not
 * see every one, so that nobody learns which ids exist. @throws Forbidden, or what `missing` gives
 */
export function requireRow<Row>(
  context: AnyContext,
  rule: string,
  row: Row | undefined,
  { target, missing }: { target: (row: Row) => Target; missing: () => Error },
): Row {
  context.authorize(rule, row === undefined ? {} : target(row))
  if (row === undefined) throw missing()
  return row
}

/** The domain in which a caller works who names none: that of the token's scope, else the caller's own. */
export function domainOfCaller({ authorization }: AnyContext): string {
  return authorization.domainId ?? authorization.userDomainId
}

/** @throws BadRequest */
export function requirePasswordSize(password: string): void {
  if (Buffer.byteLength(password) > PASSWORD_BYTES_MAX) {
    throw BadRequest({ message: `The password is longer than ${PASSWORD_BYTES_MAX} bytes.` })
  }
}

/** Removes what may be written here and leaves the rest, whose target is gone, to be ignored. */
export async function removeWhereWritable(
  transaction: StateTransaction,
  table: RecordTable,
  ids: readonly string[],
): Promise<void> {
  for (const id of ids) {
    try {
      await transaction.remove(table, id)
    } catch (error) {
      if (!NotHome.is(error)) throw error
    }
  }
}

/** Removes the grants that name a deleted user, project, domain or role. */
export async function removeGrants(
  transaction: StateTransaction,
  column: 'user_id' | 'target_id' | 'role_id',
  id: string,
): Promise<void> {
  const grants = await transaction
    .select(identityScope, roleAssignments)
    .select('id')
    .where(column, '=', id)
    .execute()
  await removeWhereWritable(
    transaction,
    roleAssignments as unknown as RecordTable,
    grants.map((grant) => grant.id),
  )
}

/** Makes all tokens void, at every site, that name a deleted user, project or domain. */
export async function revokeAllOf(transaction: StateTransaction, id: string): Promise<void> {
  await transaction.insert(revocations, {
    audit_id: id,
    issued_before_ms: null,
    expires_at_ms: transaction.nowMs + DELETED_KEPT_MS,
  })
}

/** Keystone's form of a time: ISO 8601 with microseconds. */
export function microsecondTime(timeMs: number): string {
  return new Date(timeMs).toISOString().replace('Z', '000Z')
}

/** Without the members that are undefined: what a PATCH changes. */
export function defined<T extends object>(values: T): { [Name in keyof T]?: Exclude<T[Name], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as never
}

/** Keystone takes null for no description. */
export function describe(description: string | null | undefined): string | undefined {
  return description === null ? '' : description
}
