/** Role assignments as Keystone shows them, with names on request. */

import type { Row } from '@atoll/rome'
import type { Reader, RecordTable } from '@atoll/state'
import { type AnyContext, identityScope } from '../identity.ts'
import { domains, projects, roles, users } from '../records.ts'
import type { RoleAssignment } from './app.ts'

/** What a page of assignments refers to, by id. */
export interface References {
  readonly users: ReadonlyMap<string, Row<typeof users>>
  readonly roles: ReadonlyMap<string, Row<typeof roles>>
  readonly projects: ReadonlyMap<string, Row<typeof projects>>
  readonly domains: ReadonlyMap<string, Row<typeof domains>>
}

export async function readReferences(
  reader: Reader,
  assignments: readonly RoleAssignment[],
): Promise<References> {
  const userRows = await byId(
    reader,
    users,
    assignments.map(({ user_id }) => user_id),
  )
  const projectRows = await byId(reader, projects, targetIds(assignments, 'project'))
  const domainIds = [...userRows.values(), ...projectRows.values()].map(({ domain_id }) => domain_id)
  return {
    users: userRows,
    roles: await byId(
      reader,
      roles,
      assignments.map(({ role_id }) => role_id),
    ),
    projects: projectRows,
    domains: await byId(reader, domains, [...domainIds, ...targetIds(assignments, 'domain')]),
  }
}

/** Whether everything that an assignment names is there, and it names its target's own domain. */
export function isAlive(row: RoleAssignment, references: References): boolean {
  if (!references.users.has(row.user_id) || !references.roles.has(row.role_id)) return false
  if (row.target_kind === 'domain')
    return references.domains.has(row.target_id) && row.domain_id === row.target_id
  return references.projects.get(row.target_id)?.domain_id === row.domain_id
}

export function viewRoleAssignment(
  { baseUrl }: AnyContext,
  row: RoleAssignment,
  { references, hasNames }: { references: References; hasNames: boolean },
): object {
  const { target_kind: kind, target_id: targetId, user_id: userId, role_id: roleId } = row
  const { users, roles, projects, domains } = references
  const nameOf = (item: { readonly name: string } | undefined) =>
    hasNames && item ? { name: item.name } : {}
  const domainOf = (id: string | undefined) =>
    hasNames && id !== undefined ? { domain: { id, ...nameOf(domains.get(id)) } } : {}
  const user = users.get(userId)
  const project = projects.get(targetId)
  return {
    role: { id: roleId, ...nameOf(roles.get(roleId)) },
    user: { id: userId, ...nameOf(user), ...domainOf(user?.domain_id) },
    scope:
      kind === 'project'
        ? { project: { id: targetId, ...nameOf(project), ...domainOf(project?.domain_id) } }
        : { domain: { id: targetId, ...nameOf(domains.get(targetId)) } },
    links: { assignment: `${baseUrl}/v3/${kind}s/${targetId}/users/${userId}/roles/${roleId}` },
  }
}

function targetIds(assignments: readonly RoleAssignment[], kind: 'project' | 'domain'): string[] {
  return assignments.filter(({ target_kind }) => target_kind === kind).map(({ target_id }) => target_id)
}

async function byId<T extends RecordTable>(
  reader: Reader,
  table: T,
  ids: readonly string[],
): Promise<ReadonlyMap<string, Row<T>>> {
  if (ids.length === 0) return new Map()
  const rows = (await reader
    .select(identityScope, table as unknown as RecordTable)
    .selectAll()
    .where('id', 'in', [...new Set(ids)])
    .execute()) as unknown as readonly Row<T>[]
  return new Map(rows.map((row) => [String((row as { readonly id: unknown }).id), row]))
}
