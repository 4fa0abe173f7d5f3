/** `/os-availability-zone`: the zones are those of the hosts; each site is one. */

import { type Endpoint, endpoint } from '@atoll/http'
import type { ComputeDependencies } from '../dependencies.ts'
import type { RequestContext } from '../request-context.ts'
import { naiveTime } from '../times.ts'
import { listHosts, stateOf } from './app.ts'
import type { HostRow } from './host-inventory.ts'

export function zoneEndpoints({ state, freshness }: ComputeDependencies): Endpoint[] {
  // A zone is available while one of its hosts is up and takes servers.
  const zones = async (
    context: RequestContext,
    hostsView: (members: readonly HostRow[]) => object | null,
  ) => {
    const byZone = Map.groupBy(await listHosts(state, context), (host) => host.availability_zone)
    return [...byZone]
      .map(([zoneName, members]) => {
        const available = members.some(
          (host) => host.enabled && stateOf(host, freshness.isReachable(host)) === 'up',
        )
        return { zoneName, zoneState: { available }, hosts: available ? hostsView(members) : null }
      })
      .sort((left, right) => Number(right.zoneState.available) - Number(left.zoneState.available))
  }
  const services = (members: readonly HostRow[]) =>
    Object.fromEntries(
      members
        .filter(({ enabled }) => enabled)
        .map((host) => {
          const available = stateOf(host, freshness.isReachable(host)) === 'up'
          const updated_at = naiveTime(host.updated_at ?? host.created_at)
          return [host.name, { 'nova-compute': { available, active: host.enabled, updated_at } }]
        }),
    )
  return [
    endpoint({
      method: 'GET',
      path: '/os-availability-zone',
      rule: 'os_compute_api:os-availability-zone:list',
      handle: async (context) => ({ availabilityZoneInfo: await zones(context, () => null) }),
    }),
    endpoint({
      method: 'GET',
      path: '/os-availability-zone/detail',
      rule: 'os_compute_api:os-availability-zone:detail',
      handle: async (context) => ({ availabilityZoneInfo: await zones(context, services) }),
    }),
  ]
}
