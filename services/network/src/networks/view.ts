/** Networks as clients read them. */

import type { Row } from '@atoll/rome'
import { cloudScope, type Reader } from '@atoll/state'
import { type networks, subnets } from '../records.ts'
import type { Actor } from '../resource/resource.ts'
import { standardView } from '../resource/standard-view.ts'

export type Network = Row<typeof networks>

const scope = cloudScope('subnets of networks that the client sees')

export async function viewNetworks(
  reader: Reader,
  actor: Actor,
  rows: readonly Network[],
): Promise<readonly object[]> {
  const subnetIds = await subnetIdsOf(reader, rows)
  const seesProvider = actor.allows('get_network:provider')
  return rows.map((row) => ({
    id: row.id,
    name: row.name,
    description: row.description,
    status: 'ACTIVE',
    admin_state_up: row.admin_state_up,
    shared: row.shared,
    'router:external': row.is_external,
    mtu: row.mtu,
    port_security_enabled: row.port_security_enabled,
    subnets: subnetIds.get(row.id) ?? [],
    availability_zone_hints: [],
    availability_zones: [],
    ipv4_address_scope: null,
    ipv6_address_scope: null,
    tags: row.tags,
    ...(seesProvider && {
      'provider:network_type': 'vxlan',
      'provider:physical_network': null,
      'provider:segmentation_id': row.vni,
    }),
    ...standardView(row),
  }))
}

async function subnetIdsOf(
  reader: Reader,
  rows: readonly Network[],
): Promise<ReadonlyMap<string, readonly string[]>> {
  const found = await reader
    .select(scope, subnets)
    .select(['id', 'network_id'])
    .where(
      'network_id',
      'in',
      rows.map(({ id }) => id),
    )
    .orderBy('created_at')
    .execute()
  return new Map(
    Object.entries(Object.groupBy(found, ({ network_id }) => network_id)).map(([networkId, members]) => [
      networkId,
      (members ?? []).map(({ id }) => id),
    ]),
  )
}
