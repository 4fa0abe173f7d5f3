/** What the APIs about hosts have in common. */

import type { State } from '@atoll/state'
import { hosts, servers } from '../records.ts'
import type { RequestContext } from '../request-context.ts'
import type { ServerRow } from '../servers/status.ts'
import type { HostRow } from './host-inventory.ts'

/** All hosts of the cloud, by name. */
export function listHosts(state: State, { scope }: RequestContext): Promise<HostRow[]> {
  return state.select(scope, hosts).selectAll().orderBy('name').execute()
}

/** A host is down when an operator says so, or when nobody can reach it. */
export function stateOf(host: HostRow, isReachable: boolean): 'up' | 'down' {
  return host.forced_down || !isReachable ? 'down' : 'up'
}

export async function serversByHost(
  state: State,
  { scope }: RequestContext,
  names: readonly string[],
): Promise<ReadonlyMap<string, Pick<ServerRow, 'id' | 'name' | 'host'>[]>> {
  if (names.length === 0) return new Map()
  const rows = await state
    .select(scope, servers)
    .select(['id', 'name', 'host'])
    .where('host', 'in', names)
    .orderBy('name')
    .execute()
  return Map.groupBy(rows, ({ host }) => host)
}
