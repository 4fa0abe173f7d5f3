/** What users do. Passwords are hashed before the transaction, in which nothing but the store may be waited for. */

import { Unauthorized } from '@atoll/http'
import { undashed } from '@atoll/kit'
import type { Reader } from '@atoll/state'
import { IdentityNotFound, NameTaken } from '../errors.ts'
import { type Extra, mergeExtra } from '../extra.ts'
import { type Identity, identityScope, removeGrants, requirePasswordSize, revokeAllOf } from '../identity.ts'
import { domains, users } from '../records.ts'
import type { User } from './view.ts'

export interface UserAttributes {
  readonly name: string
  readonly description: string
  readonly email: string | null
  readonly enabled: boolean
  readonly default_project_id: string | null
}

export interface NewUser extends UserAttributes {
  readonly domainId: string
  /** Null for a user who cannot log in with one. */
  readonly password: string | null
  readonly extra: Extra
}

export async function createUser(
  { state, passwords }: Identity,
  { domainId, password, ...attributes }: NewUser,
): Promise<User> {
  const password_hash = password === null ? null : await hashOf(passwords, password)
  return state.transaction(async (transaction) => {
    if (!(await transaction.find(identityScope, domains, domainId)))
      throw IdentityNotFound({ kind: 'domain', id: domainId })
    await requireFreeName(transaction, attributes.name, domainId)
    return transaction.insert(users, {
      ...attributes,
      domain_id: domainId,
      password_hash,
      tokens_valid_from_ms: 0,
      id: undashed(transaction.mintId()),
    })
  })
}

export interface UserChanges extends Partial<UserAttributes> {
  /** Null takes the password away. */
  readonly password?: string | null
}

/**
 * A new password makes the tokens issued before void. `unknown` is the client's body, whose attributes without a
 * meaning here are kept; `known` names the others.
 */
export async function updateUser(
  { state, passwords }: Identity,
  id: string,
  { password, ...changes }: UserChanges,
  { unknown, known }: { unknown: object; known: readonly string[] },
): Promise<User> {
  const password_hash = typeof password === 'string' ? await hashOf(passwords, password) : null
  return state.transaction(async (transaction) => {
    const user = await transaction.find(identityScope, users, id)
    if (!user) throw IdentityNotFound({ kind: 'user', id })
    if (changes.name !== undefined && changes.name !== user.name)
      await requireFreeName(transaction, changes.name, user.domain_id)
    return transaction.update(users, id, {
      ...changes,
      ...(password !== undefined && { password_hash, tokens_valid_from_ms: transaction.nowMs + 1 }),
      extra: mergeExtra(user.extra, unknown, known),
    })
  })
}

/** A user changes its own password. @throws Unauthorized when the original one is wrong */
export async function changePassword(
  { state, passwords }: Identity,
  user: User,
  { original, password }: { original: string; password: string },
): Promise<void> {
  requirePasswordSize(original)
  if (!(await passwords.verify(original, user.password_hash))) throw Unauthorized({})
  const password_hash = await hashOf(passwords, password)
  await state.transaction(async (transaction) => {
    const current = await transaction.find(identityScope, users, user.id)
    // Somebody else has changed it meanwhile: the original is no longer the original.
    if (current?.password_hash !== user.password_hash) throw Unauthorized({})
    await transaction.update(users, user.id, {
      password_hash,
      tokens_valid_from_ms: transaction.nowMs + 1,
    })
  })
}

export async function deleteUser({ state }: Identity, id: string): Promise<void> {
  await state.transaction(async (transaction) => {
    if (!(await transaction.find(identityScope, users, id))) throw IdentityNotFound({ kind: 'user', id })
    await transaction.remove(users, id)
    await removeGrants(transaction, 'user_id', id)
    await revokeAllOf(transaction, id)
  })
}

function hashOf(passwords: Identity['passwords'], password: string): Promise<string> {
  requirePasswordSize(password)
  return passwords.hash(password)
}

async function requireFreeName(reader: Reader, name: string, domainId: string): Promise<void> {
  const taken = await reader
    .select(identityScope, users)
    .select('id')
    .where('domain_id', '=', domainId)
    .where('name', '=', name)
    .executeTakeFirst()
  if (taken) throw NameTaken({ kind: 'user', name, domainId })
}
