/** What a site says of itself: its own record. */

import { cloudScope, type NewRecord, type State } from '@atoll/state'
import { type PeerAddress, sites } from './records.ts'

const scope = cloudScope('description of this site')

export interface SelfDescription {
  readonly addresses: readonly PeerAddress[]
  readonly apiUrl: string
  /** See `failure-domains.ts`. Default: none. */
  readonly failureDomains?: readonly string[]
}

/** The columns of its record that it describes itself by, but for its code and whether it sleeps. */
export type Description = Omit<NewRecord<typeof sites>, 'id' | 'code' | 'is_dormant'>

/** Writes it when it is new. */
export async function writeDescription(state: State, description: Description): Promise<void> {
  const { name, code } = state.site
  const described = { code, ...description }
  await state.transaction(async (transaction) => {
    const known = await transaction.find(scope, sites, name)
    if (!known) await transaction.insert(sites, { id: name, is_dormant: false, ...described })
    else if (isNew(known, described)) await transaction.update(sites, known.id, described)
  })
}

function isNew(known: object, description: object): boolean {
  const current = known as Record<string, unknown>
  return Object.entries(description).some(
    ([key, value]) => JSON.stringify(current[key]) !== JSON.stringify(value),
  )
}
