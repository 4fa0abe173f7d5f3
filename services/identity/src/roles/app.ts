/** What roles do. All are of the whole cloud; roles of one domain are not offered. */

import { undashed } from '@atoll/kit'
import type { Reader, State, StateTransaction } from '@atoll/state'
import { IdentityNotFound, NameTaken } from '../errors.ts'
import { identityScope, removeGrants } from '../identity.ts'
import { revocations, roles } from '../records.ts'
import { DELETED_KEPT_MS, roleKey } from '../tokens/standing.ts'
import type { Role } from './view.ts'

export interface RoleAttributes {
  readonly name: string
  readonly description: string
}

export async function createRole(state: State, attributes: RoleAttributes): Promise<Role> {
  return state.transaction(async (transaction) => {
    await requireFreeName(transaction, attributes.name)
    return transaction.insert(roles, {
      ...attributes,
      domain_id: null,
      id: undashed(transaction.mintId()),
    })
  })
}

/** Tokens that carry a name which the role no longer has are void. */
export async function updateRole(state: State, id: string, changes: Partial<RoleAttributes>): Promise<Role> {
  return state.transaction(async (transaction) => {
    const role = await transaction.find(identityScope, roles, id)
    if (!role) throw IdentityNotFound({ kind: 'role', id })
    if (changes.name !== undefined && changes.name !== role.name) {
      await requireFreeName(transaction, changes.name)
      await revokeTokensWith(transaction, role.name)
    }
    return transaction.update(roles, id, changes)
  })
}

export async function deleteRole(state: State, id: string): Promise<void> {
  await state.transaction(async (transaction) => {
    const role = await transaction.find(identityScope, roles, id)
    if (!role) throw IdentityNotFound({ kind: 'role', id })
    await transaction.remove(roles, id)
    await removeGrants(transaction, 'role_id', id)
    await revokeTokensWith(transaction, role.name)
  })
}

async function revokeTokensWith(transaction: StateTransaction, name: string): Promise<void> {
  await transaction.insert(revocations, {
    audit_id: roleKey(name),
    issued_before_ms: transaction.nowMs + 1,
    expires_at_ms: transaction.nowMs + DELETED_KEPT_MS,
  })
}

// Policies compare the names of roles without case, so two that differ only in case would be one.
async function requireFreeName(reader: Reader, name: string): Promise<void> {
  const names = await reader.select(identityScope, roles).select('name').execute()
  if (names.some((role) => role.name.toLowerCase() === name.toLowerCase()))
    throw NameTaken({ kind: 'role', name })
}
