/** The network service as compute sees it: an interface of its own, so that neither service knows the other. */

import type { Reader, Scope, State, StateTransaction } from '@atoll/state'
import { asNetworkError } from '../as-network-error.ts'
import type { Network } from '../networks/view.ts'
import { type FixedIp, networks, ports } from '../records.ts'
import {
  defaultNetworks,
  type PreparePort,
  preparePort,
  type ReleasePorts,
  unbindOrDeletePorts,
} from './server-ports.ts'
import type { Port } from './view.ts'

export interface ServerPortRequest extends Omit<PreparePort, 'deviceOwner'> {
  readonly scope: Scope
  readonly availabilityZone: string
}

/** One network interface of a server. */
export interface ServerInterface {
  readonly portId: string
  readonly networkId: string
  /** Empty for a network that the scope does not see any more. */
  readonly networkName: string
  readonly macAddress: string
  readonly status: Port['status']
  readonly fixedIps: readonly FixedIp[]
}

export interface ServerNetworking {
  /** See `defaultNetworks`. */
  defaultNetworks(scope: Scope, projectId: string): Promise<readonly Network[]>
  /** See `preparePort`. */
  preparePort(transaction: StateTransaction, request: ServerPortRequest): Promise<Port>
  /** See `unbindOrDeletePorts`. */
  unbindOrDeletePorts(transaction: StateTransaction, release: ReleasePorts): Promise<void>
  /** See `asNetworkError`. */
  asNetworkError(reader: Reader, error: unknown): Promise<unknown>
  /** The interfaces of each server that has any, oldest first, in two queries for all of them. */
  interfacesOf(
    scope: Scope,
    serverIds: readonly string[],
  ): Promise<ReadonlyMap<string, readonly ServerInterface[]>>
}

export function serverNetworking(state: State): ServerNetworking {
  return {
    defaultNetworks: (scope, projectId) => defaultNetworks(state, scope, projectId),
    preparePort: (transaction, { scope, availabilityZone, ...request }) =>
      preparePort(transaction, scope, { ...request, deviceOwner: `compute:${availabilityZone}` }),
    unbindOrDeletePorts,
    asNetworkError,
    interfacesOf: (scope, serverIds) => interfacesOf(state, scope, serverIds),
  }
}

async function interfacesOf(
  reader: Reader,
  scope: Scope,
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
  const networkIds = [...new Set(found.map(({ network_id }) => network_id))]
  const named =
    networkIds.length === 0
      ? []
      : await reader.select(scope, networks).select(['id', 'name']).where('id', 'in', networkIds).execute()
  const names = new Map(named.map(({ id, name }) => [id, name]))
  const interfaces = new Map<string, ServerInterface[]>()
  for (const port of found) {
    const { id, network_id, mac_address, status, fixed_ips, device_id } = port
    const shown: ServerInterface = {
      portId: id,
      networkId: network_id,
      networkName: names.get(network_id) ?? '',
      macAddress: mac_address,
      status,
      fixedIps: fixed_ips,
    }
    interfaces.set(device_id, [...(interfaces.get(device_id) ?? []), shown])
  }
  return interfaces
}
