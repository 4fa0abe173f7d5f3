/** What a server shows of its ports. */

import { cloudScope, type Reader } from '@atoll/state'
import { type FixedIp, networks, ports } from '../records.ts'
import type { Port } from './view.ts'

/** One network interface of a server. */
export interface ServerInterface {
  readonly portId: string
  readonly networkId: string
  readonly networkName: string
  readonly macAddress: string
  readonly status: Port['status']
  readonly fixedIps: readonly FixedIp[]
}

const scope = cloudScope('interfaces of servers that the client sees')

/**
 * The interfaces of each server that has any, oldest first, in two queries for all of them. Callers must have made
 * sure that the client may see the servers.
 */
export async function interfacesOf(
  reader: Reader,
  serverIds: readonly string[],
): Promise<ReadonlyMap<string, readonly ServerInterface[]>> {
  if (serverIds.length === 0) return new Map()
  const found = await reader
    .select(scope, ports)
    .selectAll()
    .where('device_id', 'in', serverIds)
    .orderBy('created_at')
    .orderBy('id')
    .execute()
  const names = await networkNames(reader, new Set(found.map(({ network_id }) => network_id)))
  const interfaces = new Map<string, ServerInterface[]>()
  for (const port of found) {
    const { device_id, network_id } = port
    const ofServer = interfaces.get(device_id) ?? []
    ofServer.push({
      portId: port.id,
      networkId: network_id,
      networkName: names.get(network_id) ?? '',
      macAddress: port.mac_address,
      status: port.status,
      fixedIps: port.fixed_ips,
    })
    interfaces.set(device_id, ofServer)
  }
  return interfaces
}

async function networkNames(reader: Reader, ids: ReadonlySet<string>): Promise<ReadonlyMap<string, string>> {
  if (ids.size === 0) return new Map()
  const rows = await reader
    .select(scope, networks)
    .select(['id', 'name'])
    .where('id', 'in', [...ids])
    .execute()
  return new Map(rows.map(({ id, name }) => [id, name]))
}
