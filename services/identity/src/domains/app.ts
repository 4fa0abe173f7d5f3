/** What domains do. */

import { undashed } from '@atoll/kit'
import type { Reader, RecordTable, State } from '@atoll/state'
import { DefaultDomainKept, DomainEnabled, IdentityNotFound, NameTaken } from '../errors.ts'
import { identityScope, removeGrants, removeWhereWritable, revokeAllOf } from '../identity.ts'
import { DEFAULT_DOMAIN_ID, domains, projects, users } from '../records.ts'
import type { Domain } from './view.ts'

export interface DomainAttributes {
  readonly name: string
  readonly description: string
  readonly enabled: boolean
  /** Default: those of the default domain. */
  readonly sites?: readonly string[] | undefined
}

export async function createDomain(state: State, attributes: DomainAttributes): Promise<Domain> {
  return state.transaction(async (transaction) => {
    await requireFreeName(transaction, attributes.name)
    const founding = await transaction.find(identityScope, domains, DEFAULT_DOMAIN_ID)
    return transaction.insert(domains, {
      ...attributes,
      sites: attributes.sites ?? founding?.sites ?? [],
      id: undashed(transaction.mintId()),
    })
  })
}

export async function updateDomain(
  state: State,
  id: string,
  changes: Partial<DomainAttributes>,
): Promise<Domain> {
  if (id === DEFAULT_DOMAIN_ID && changes.enabled === false) throw DefaultDomainKept({})
  return state.transaction(async (transaction) => {
    const domain = await transaction.find(identityScope, domains, id)
    if (!domain) throw IdentityNotFound({ kind: 'domain', id })
    if (changes.name !== undefined && changes.name !== domain.name)
      await requireFreeName(transaction, changes.name)
    const { sites = domain.sites, ...others } = changes
    return transaction.update(domains, id, { ...others, sites })
  })
}

/** Takes its users, projects and grants with it, as far as they are written here. @throws DomainEnabled */
export async function deleteDomain(state: State, id: string): Promise<void> {
  if (id === DEFAULT_DOMAIN_ID) throw DefaultDomainKept({})
  await state.transaction(async (transaction) => {
    const domain = await transaction.find(identityScope, domains, id)
    if (!domain) throw IdentityNotFound({ kind: 'domain', id })
    if (domain.enabled) throw DomainEnabled({})
    for (const table of [projects, users] as unknown as RecordTable[]) {
      const rows = await transaction
        .select(identityScope, table as unknown as typeof projects)
        .select('id')
        .where('domain_id', '=', id)
        .execute()
      const ids = rows.map((row) => row.id)
      await removeWhereWritable(transaction, table, ids)
      for (const gone of ids)
        await removeGrants(transaction, table.name === projects.name ? 'target_id' : 'user_id', gone)
    }
    await removeGrants(transaction, 'target_id', id)
    await revokeAllOf(transaction, id)
    await transaction.remove(domains, id)
  })
}

async function requireFreeName(reader: Reader, name: string): Promise<void> {
  const taken = await reader
    .select(identityScope, domains)
    .select('id')
    .where('name', '=', name)
    .executeTakeFirst()
  if (taken) throw NameTaken({ kind: 'domain', name })
}
