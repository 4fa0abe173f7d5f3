/**
 * What a site should hold before it is needed, since the lender may be cut off by then: addresses of every subnet, a
 * little of every project's quota, and network identifiers.
 */

import { projects } from '@atoll/identity'
import { subnets, VNIS } from '@atoll/network'
import { cloudScope, type State } from '@atoll/state'

const scope = cloudScope('shares worth having')

/** Borrowing more later costs a round trip; holding more keeps it from the others. */
const ADDRESSES = 16
const VNI_COUNT = 64

/** A tenth of Nova's default quota: enough for a server while the lender is away, little enough to be missed nowhere. */
export function quotasWorthHaving(projectId: string): readonly WantedShare[] {
  return [
    { resource: `quota_instances:${projectId}`, wanted: 1 },
    { resource: `quota_cores:${projectId}`, wanted: 2 },
    { resource: `quota_ram:${projectId}`, wanted: 5120 },
  ]
}

export interface WantedShare {
  readonly resource: string
  readonly wanted: number
}

/** @param quotas resource names of a project's quota, with how much of each is worth having */
export async function wantedShares(
  state: State,
  quotas: (projectId: string) => readonly WantedShare[],
): Promise<readonly WantedShare[]> {
  const subnetIds = await state.select(scope, subnets).select('id').execute()
  const { name } = state.site
  const projectRows = await state.select(scope, projects).select(['id', 'kept_at']).execute()
  // Nothing is made here in a project whose records are kept elsewhere.
  const projectIds = projectRows.filter(({ kept_at }) => kept_at === null || kept_at.includes(name))
  return [
    { resource: VNIS, wanted: VNI_COUNT },
    ...subnetIds.map(({ id }) => ({ resource: `addresses:${id}`, wanted: ADDRESSES })),
    ...projectIds.flatMap(({ id }) => quotas(id)),
  ]
}
