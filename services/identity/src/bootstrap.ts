/** The first records of a cloud: the default domain, its administrator, and the roles that policies speak of. */

import { assert, undashed } from '@atoll/kit'
import type { Reader, State, StateTransaction } from '@atoll/state'
import { identityScope, requirePasswordSize } from './identity.ts'
import type { Passwords } from './passwords/passwords.ts'
import { DEFAULT_DOMAIN_ID, domains, projects, roleAssignments, roles, users } from './records.ts'

export interface BootstrapOptions {
  readonly passwords: Passwords
  readonly adminPassword: string
  /** Names of the sites that may write the default domain, and so make administrators of the cloud. */
  readonly sites: readonly string[]
}

const roleNames = ['admin', 'manager', 'member', 'reader', 'service'] as const

/**
 * Makes what is missing and changes nothing that exists, a password neither. To be called at the founding site only;
 * the others get these records as replicas.
 */
export async function bootstrapIdentity(
  state: State,
  { passwords, adminPassword, sites }: BootstrapOptions,
): Promise<void> {
  requirePasswordSize(adminPassword)
  // A hash takes a tenth of a second and much memory; a founding site starts more often than it is founded.
  const password_hash = (await adminId(state)) ? undefined : await passwords.hash(adminPassword)
  await state.transaction(async (transaction) => {
    if (!(await transaction.find(identityScope, domains, DEFAULT_DOMAIN_ID)))
      await transaction.insert(domains, {
        id: DEFAULT_DOMAIN_ID,
        name: 'Default',
        description: 'The default domain',
        enabled: true,
        sites,
      })
    const projectId = await ensureProject(transaction)
    const userId = await ensureUser(transaction, { password_hash, default_project_id: projectId })
    const roleIds = new Map<string, string>()
    for (const name of roleNames) roleIds.set(name, await ensureRole(transaction, name))
    const role_id = roleIds.get('admin') ?? ''
    const target = { role_id, user_id: userId, domain_id: DEFAULT_DOMAIN_ID }
    await ensureGrant(transaction, { ...target, target_kind: 'project', target_id: projectId })
    await ensureGrant(transaction, { ...target, target_kind: 'domain', target_id: DEFAULT_DOMAIN_ID })
  })
}

async function ensureProject(transaction: StateTransaction): Promise<string> {
  const existing = await transaction
    .select(identityScope, projects)
    .select('id')
    .where('domain_id', '=', DEFAULT_DOMAIN_ID)
    .where('name', '=', 'admin')
    .executeTakeFirst()
  if (existing) return existing.id
  const project = await transaction.insert(projects, {
    kept_at: null,
    id: undashed(transaction.mintId()),
    name: 'admin',
    domain_id: DEFAULT_DOMAIN_ID,
    description: 'The project of the administrators of the cloud',
    enabled: true,
    parent_id: null,
    tags: [],
    extra: {},
  })
  return project.id
}

async function ensureUser(
  transaction: StateTransaction,
  { password_hash, default_project_id }: { password_hash: string | undefined; default_project_id: string },
): Promise<string> {
  const existing = await adminId(transaction)
  if (existing !== undefined) return existing
  assert(password_hash !== undefined, 'the administrator went while the site was founded')
  const user = await transaction.insert(users, {
    id: undashed(transaction.mintId()),
    name: 'admin',
    domain_id: DEFAULT_DOMAIN_ID,
    description: '',
    email: null,
    enabled: true,
    tokens_valid_from_ms: 0,
    extra: {},
    password_hash,
    default_project_id,
  })
  return user.id
}

async function adminId(reader: Reader): Promise<string | undefined> {
  const admin = await reader
    .select(identityScope, users)
    .select('id')
    .where('domain_id', '=', DEFAULT_DOMAIN_ID)
    .where('name', '=', 'admin')
    .executeTakeFirst()
  return admin?.id
}

async function ensureRole(transaction: StateTransaction, name: string): Promise<string> {
  const existing = await transaction
    .select(identityScope, roles)
    .select('id')
    .where('name', '=', name)
    .where('domain_id', 'is', null)
    .executeTakeFirst()
  if (existing) return existing.id
  const id = undashed(transaction.mintId())
  await transaction.insert(roles, { id, name, domain_id: null, description: '' })
  return id
}

async function ensureGrant(
  transaction: StateTransaction,
  grant: {
    readonly role_id: string
    readonly user_id: string
    readonly domain_id: string
    readonly target_kind: 'project' | 'domain'
    readonly target_id: string
  },
): Promise<void> {
  const existing = await transaction
    .select(identityScope, roleAssignments)
    .select('id')
    .where('target_id', '=', grant.target_id)
    .where('user_id', '=', grant.user_id)
    .where('role_id', '=', grant.role_id)
    .executeTakeFirst()
  if (!existing) await transaction.insert(roleAssignments, grant)
}
