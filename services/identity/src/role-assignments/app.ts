/** Grants: who has which role where. What counts is decided here and nowhere else. */

import type { Row } from '@atoll/rome'
import type { Reader, State, StateTransaction } from '@atoll/state'
import { GrantNotFound, IdentityNotFound } from '../errors.ts'
import { identityScope } from '../identity.ts'
import { domains, projects, revocations, roleAssignments, roles, users } from '../records.ts'
import { DELETED_KEPT_MS, grantKey } from '../tokens/standing.ts'

export type TargetKind = 'project' | 'domain'

/** A project or a domain, as something on which roles are granted. */
export interface GrantTarget {
  readonly kind: TargetKind
  readonly id: string
  /** The domain that decides who may grant here: that of the project, or the domain itself. */
  readonly domainId: string
  readonly name: string
}

export type RoleAssignment = Row<typeof roleAssignments>

export async function findTarget(
  reader: Reader,
  kind: TargetKind,
  id: string,
): Promise<GrantTarget | undefined> {
  if (kind === 'domain') {
    const domain = await reader.find(identityScope, domains, id)
    return domain && { kind, id, domainId: id, name: domain.name }
  }
  const project = await reader.find(identityScope, projects, id)
  return project && { kind, id, domainId: project.domain_id, name: project.name }
}

/**
 * The assignments of a user on a target. One counts only when it names the target's own domain: a site is trusted by
 * domain, and could otherwise pass off a grant on another domain's project as one of its own.
 */
export function assignmentsOf(
  reader: Reader,
  userId: string,
  target: GrantTarget,
): Promise<RoleAssignment[]> {
  return reader
    .select(identityScope, roleAssignments)
    .selectAll()
    .where('target_id', '=', target.id)
    .where('user_id', '=', userId)
    .where('target_kind', '=', target.kind)
    .where('domain_id', '=', target.domainId)
    .orderBy('id')
    .execute()
}

/** The roles of a user on a target, in order of name. Only roles of the whole cloud count. */
export async function rolesOf(
  reader: Reader,
  userId: string,
  target: GrantTarget,
): Promise<Row<typeof roles>[]> {
  const ids = (await assignmentsOf(reader, userId, target)).map(({ role_id }) => role_id)
  if (ids.length === 0) return []
  return reader
    .select(identityScope, roles)
    .selectAll()
    .where('id', 'in', ids)
    .where('domain_id', 'is', null)
    .orderBy('name')
    .execute()
}

/** Ids of the enabled projects or domains on which a user has a role. */
export async function targetIdsOf(reader: Reader, userId: string, kind: TargetKind): Promise<string[]> {
  const grants = await reader
    .select(identityScope, roleAssignments)
    .selectAll()
    .where('user_id', '=', userId)
    .where('target_kind', '=', kind)
    .execute()
  const ids = [...new Set(grants.map(({ target_id }) => target_id))]
  if (ids.length === 0) return []
  const table = (kind === 'project' ? projects : domains) as typeof projects
  const rows = await reader
    .select(identityScope, table)
    .selectAll()
    .where('id', 'in', ids)
    .where('enabled', '=', true)
    .execute()
  const domainOf = (row: Row<typeof projects>) => (kind === 'project' ? row.domain_id : row.id)
  const counts = (row: Row<typeof projects>) =>
    grants.some(({ target_id, domain_id }) => target_id === row.id && domain_id === domainOf(row))
  return rows.filter(counts).map(({ id }) => id)
}

export interface Grant {
  readonly roleId: string
  readonly userId: string
  readonly target: GrantTarget
}

export async function findAssignment(reader: Reader, grant: Grant): Promise<RoleAssignment | undefined> {
  const assignments = await assignmentsOf(reader, grant.userId, grant.target)
  return assignments.find(({ role_id }) => role_id === grant.roleId)
}

/** Idempotent. @throws IdentityNotFound when role, user or target has just gone */
export async function createGrant(state: State, grant: Grant): Promise<void> {
  await state.transaction(async (transaction) => {
    const { roleId, userId, target } = grant
    if (!(await transaction.find(identityScope, roles, roleId)))
      throw IdentityNotFound({ kind: 'role', id: roleId })
    if (!(await transaction.find(identityScope, users, userId)))
      throw IdentityNotFound({ kind: 'user', id: userId })
    if (!(await findTarget(transaction, target.kind, target.id)))
      throw IdentityNotFound({ kind: target.kind, id: target.id })
    if (await findAssignment(transaction, grant)) return
    await transaction.insert(roleAssignments, {
      role_id: roleId,
      user_id: userId,
      target_kind: target.kind,
      target_id: target.id,
      domain_id: target.domainId,
    })
  })
}

/** The user's tokens for the target become void, since they name the role. @throws GrantNotFound */
export async function deleteGrant(state: State, grant: Grant): Promise<void> {
  await state.transaction(async (transaction) => {
    const assignment = await findAssignment(transaction, grant)
    if (!assignment) throw grantMissing(grant)
    await transaction.remove(roleAssignments, assignment.id)
    await revokeTokensOfGrant(transaction, grant.userId, grant.target.id)
  })
}

export function grantMissing({ roleId, userId, target }: Grant) {
  return GrantNotFound({ roleId, userId, targetId: target.id })
}

async function revokeTokensOfGrant(
  transaction: StateTransaction,
  userId: string,
  targetId: string,
): Promise<void> {
  await transaction.insert(revocations, {
    audit_id: grantKey(userId, targetId),
    issued_before_ms: transaction.nowMs + 1,
    expires_at_ms: transaction.nowMs + DELETED_KEPT_MS,
  })
}
