/** A token as Keystone shows it: the ids of the token, with the names of the moment. */

import type { Reader } from '@atoll/state'
import type { CatalogEntry } from '../catalog/catalog.ts'
import { identityScope, microsecondTime } from '../identity.ts'
import { domains, projects, roles, users } from '../records.ts'
import { withImplied } from '../roles/implied.ts'
import type { Token } from './tokens.ts'

/** Undefined when the user or the scope is not known here any more, or not yet. */
export async function viewToken(
  reader: Reader,
  token: Token,
  catalog: readonly CatalogEntry[] | undefined,
): Promise<object | undefined> {
  const user = await reader.find(identityScope, users, token.userId)
  const userDomain = user && (await viewDomain(reader, user.domain_id))
  if (!user || !userDomain) return undefined
  const scope = await viewScope(reader, token)
  if (!scope) return undefined
  return {
    methods: token.methods,
    user: { id: user.id, name: user.name, domain: userDomain, password_expires_at: null },
    audit_ids: token.auditIds,
    expires_at: microsecondTime(token.expiresAtMs),
    issued_at: microsecondTime(token.issuedAtMs),
    ...scope,
    ...(isScoped(token) && catalog && { catalog }),
  }
}

export function isScoped({ projectId, domainId }: Token): boolean {
  return projectId !== null || domainId !== null
}

async function viewScope(reader: Reader, token: Token): Promise<object | undefined> {
  if (!isScoped(token)) return {}
  const shown = await viewRoles(reader, token.roleNames)
  if (token.domainId !== null) {
    const domain = await viewDomain(reader, token.domainId)
    return domain && { domain, roles: shown }
  }
  const project = await reader.find(identityScope, projects, token.projectId ?? '')
  const domain = project && (await viewDomain(reader, project.domain_id))
  if (!project || !domain) return undefined
  return { project: { id: project.id, name: project.name, domain }, is_domain: false, roles: shown }
}

async function viewDomain(reader: Reader, id: string): Promise<object | undefined> {
  const domain = await reader.find(identityScope, domains, id)
  return domain && { id: domain.id, name: domain.name }
}

async function viewRoles(reader: Reader, names: readonly string[]): Promise<object[]> {
  const rows = await reader
    .select(identityScope, roles)
    .select(['id', 'name'])
    .where('name', 'in', withImplied(names))
    .where('domain_id', 'is', null)
    .orderBy('name')
    .execute()
  return rows.map(({ id, name }) => ({ id, name }))
}
