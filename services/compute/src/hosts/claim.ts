/** Claims: the part of a host that a server takes, written with the server so that no host is ever over-committed. */

import { chooseHost, type PlacementRequest, passes, type Resources } from '@atoll/scheduler'
import { cloudScope, type StateTransaction } from '@atoll/state'
import { NoValidHost } from '../errors.ts'
import { type EmbeddedFlavor, hosts } from '../records.ts'
import { type HostInventory, type HostRow, snapshotOf } from './host-inventory.ts'

/** How many hosts are tried that turn out to be full. Each failure corrects the inventory, so few are needed. */
const TRIES_MAX = 32

const scope = cloudScope('claims')

export interface Placement {
  readonly transaction: StateTransaction
  readonly inventory: HostInventory
}

/** Chooses a host with room and claims it in the transaction. @throws NoValidHost */
export async function claimHost(
  { transaction, inventory }: Placement,
  request: PlacementRequest,
): Promise<HostRow> {
  const excluded = new Set<string>()
  while (excluded.size < TRIES_MAX) {
    const choice = chooseHost(inventory.placeable, { ...request, excluded }, transaction.random)
    if (!choice) break
    if (!inventory.isServed(choice.name)) {
      excluded.add(choice.id)
      continue
    }
    const row = await transaction.find(scope, hosts, choice.id)
    if (row && passes(snapshotOf(row), request)) {
      const claimed = await transaction.update(hosts, row.id, usedAfter(row, request.needs, 1))
      inventory.observe(claimed)
      return claimed
    }
    if (row) inventory.observe(row)
    excluded.add(choice.id)
  }
  throw NoValidHost({})
}

/** Gives back what a server had claimed. A host that is gone has nothing to give back. */
export async function releaseHost(
  transaction: StateTransaction,
  { host, flavor }: { readonly host: string; readonly flavor: EmbeddedFlavor },
): Promise<void> {
  if (host === '') return
  const row = await transaction.select(scope, hosts).selectAll().where('name', '=', host).executeTakeFirst()
  if (row) await transaction.update(hosts, row.id, usedAfter(row, needsOf(flavor), -1))
}

/** What a server of this flavor takes of its host; swap lies on the same disk as everything else. */
export function needsOf(flavor: EmbeddedFlavor): Resources {
  const diskGib = flavor.disk + flavor.ephemeral + Math.ceil(flavor.swap / 1024)
  return { vcpus: flavor.vcpus, ramMib: flavor.ram, diskGib }
}

function usedAfter(row: HostRow, needs: Resources, sign: 1 | -1) {
  return {
    vcpus_used: Math.max(0, row.vcpus_used + sign * needs.vcpus),
    ram_mib_used: Math.max(0, row.ram_mib_used + sign * needs.ramMib),
    disk_gib_used: Math.max(0, row.disk_gib_used + sign * needs.diskGib),
    servers_count: Math.max(0, row.servers_count + sign),
  }
}
