/** A network service of one table: enough for servers to have ports, and for failing transactions to lose them. */

import { defineError } from '@atoll/kit'
import { json, text } from '@atoll/rome'
import { cloudScope, defineRecord, ShareExhausted } from '@atoll/state'
import type { NetworkForCompute, NetworkInterface } from '../network-for-compute.ts'

export const fakePorts = defineRecord(
  'fake_ports',
  {
    network_id: text(),
    device_id: text(),
    ip_address: text(),
    device_owner: text(),
    tags: json<string[]>([]),
  },
  { indexes: [['device_id']] },
)

export const NETWORK_ID = '11111111-1111-4111-8111-111111111111'
/** A network whose addresses are used up. */
export const FULL_NETWORK_ID = '22222222-2222-4222-8222-222222222222'

const NoSuchNetwork = defineError({
  code: 'fake_network.not_found',
  status: 404,
  fault: 'NetworkNotFound',
  message: ({ id }: { id: string }) => `Network ${id} could not be found.`,
})
const NoAddress = defineError<Record<string, never>>({
  code: 'fake_network.no_address',
  status: 409,
  fault: 'IpAddressGenerationFailure',
  message: () => 'No more IP addresses available.',
})

const scope = cloudScope('fake network')

export const fakeNetwork: NetworkForCompute = {
  defaultNetworks: async () => [{ id: NETWORK_ID }],
  preparePort: async (transaction, _scope, request) => {
    const { networkId = '', portId, serverId, fixedIp, projectId, deviceOwner } = request
    if (portId !== undefined) return transaction.update(fakePorts, portId, { device_id: serverId })
    if (networkId === FULL_NETWORK_ID) throw ShareExhausted({ resource: `addresses:${networkId}`, needed: 1 })
    if (networkId !== NETWORK_ID) throw NoSuchNetwork({ id: networkId })
    return transaction.insert(fakePorts, {
      project_id: projectId,
      network_id: networkId,
      device_id: serverId,
      device_owner: deviceOwner,
      ip_address: fixedIp ?? '10.0.0.7',
      tags: [],
    })
  },
  unbindOrDeletePorts: async (transaction, { portIds, ownPortIds }) => {
    for (const id of portIds) {
      if (!(await transaction.find(scope, fakePorts, id))) continue
      if (ownPortIds.includes(id)) await transaction.remove(fakePorts, id)
      else await transaction.update(fakePorts, id, { device_id: '' })
    }
  },
  asNetworkError: async (_reader, error) => {
    const isAddresses =
      ShareExhausted.is(error) && (error.detail as { resource: string }).resource.startsWith('addresses:')
    return isAddresses ? NoAddress({}, { cause: error }) : error
  },
  interfacesOf: async (reader, serverIds) => {
    const rows = await reader
      .select(scope, fakePorts)
      .selectAll()
      .where('device_id', 'in', serverIds)
      .execute()
    const interfaces = rows.map((row): [string, NetworkInterface] => [
      row.device_id,
      {
        portId: row.id,
        networkId: row.network_id,
        networkName: 'private',
        macAddress: 'fa:16:3e:00:00:07',
        status: 'ACTIVE',
        fixedIps: [{ subnet_id: 's1', ip_address: row.ip_address }],
      },
    ])
    const byServer = Map.groupBy(interfaces, ([serverId]) => serverId)
    return new Map([...byServer].map(([serverId, pairs]) => [serverId, pairs.map(([, one]) => one)]))
  },
}
