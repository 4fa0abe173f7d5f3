/** Writes what the hosts of this process offer into their records; what is claimed of them stays as it is. */

import type { HostResources } from '@atoll/hypervisor'
import { cloudScope, type State } from '@atoll/state'
import { hosts as hostRecords } from '../records.ts'
import type { ComputeHost } from './host-drivers.ts'
import type { HostOwnership } from './host-ownership.ts'

const scope = cloudScope('registration of hosts')
const GIB = 1024 ** 3

export async function registerHosts(
  state: State,
  ownership: HostOwnership,
  hosts: readonly ComputeHost[],
): Promise<void> {
  const described = await Promise.all(
    hosts.map(async (host) => ({ host, offer: offerOf(host, await host.hypervisor.describe()) })),
  )
  await state.transaction(async (transaction) => {
    const known = await transaction
      .select(scope, hostRecords)
      .selectAll()
      .where('home', '=', state.site.name)
      .execute()
    const byName = new Map(known.map((row) => [row.name, row]))
    for (const { host, offer } of described) {
      await ownership.confirm(transaction, host.name)
      const current = byName.get(host.name)
      if (!current) await transaction.insert(hostRecords, { name: host.name, ...offer, ...unclaimed })
      else if (differs(current, offer)) await transaction.update(hostRecords, current.id, offer)
    }
  })
}

const unclaimed = {
  vcpus_used: 0,
  ram_mib_used: 0,
  disk_gib_used: 0,
  servers_count: 0,
  cpu_allocation_ratio: 16,
  enabled: true,
  disabled_reason: null,
  forced_down: false,
}

function offerOf({ availabilityZone, tunnelIp, capacity = {} }: ComputeHost, resources: HostResources) {
  return {
    availability_zone: availabilityZone,
    tunnel_ip: tunnelIp,
    hypervisor_type: resources.accelerator === 'simulated' ? ('fake' as const) : ('QEMU' as const),
    hypervisor_version: resources.hypervisorVersion,
    cpu_model: resources.accelerator,
    vcpus: Math.min(capacity.vcpus ?? resources.vcpus, resources.vcpus),
    ram_mib: Math.min(capacity.ramMib ?? resources.ramMib, resources.ramMib),
    disk_gib: Math.min(capacity.diskGib ?? Number.POSITIVE_INFINITY, Math.floor(resources.diskBytes / GIB)),
  }
}

function differs(current: object, offer: object): boolean {
  return Object.entries(offer).some(([key, value]) => (current as Record<string, unknown>)[key] !== value)
}
