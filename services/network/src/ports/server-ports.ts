/** What compute does with ports, inside its own transaction: a server and its ports are one commit. */

import { cloudScope, type Reader, type Scope, type StateTransaction } from '@atoll/state'
import { type FixedIpRequest, subnetsOf } from '../addressing/addresses.ts'
import {
  NetworkAmbiguous,
  NetworkNotFound,
  NetworkRequiresSubnet,
  PortInUse,
  PortNotFound,
  PortRequiresFixedIp,
} from '../errors.ts'
import type { Network } from '../networks/view.ts'
import { networks, ports } from '../records.ts'
import { dropPort, insertPort } from './app.ts'
import type { Port } from './view.ts'

export interface PreparePort {
  /** Makes a port on this network; exactly one of this and `portId` is given. */
  readonly networkId?: string | undefined
  /** Binds this port, which nobody uses. */
  readonly portId?: string | undefined
  /** The address that a new port must have. */
  readonly fixedIp?: string | undefined
  readonly serverId: string
  /** `compute:<availability zone>`. */
  readonly deviceOwner: string
  /** Name of the host that runs the server. */
  readonly host: string
  /** The server's project, to which a new port belongs. */
  readonly projectId: string
}

/**
 * Makes or binds a port of a server. Callers pass the scope of the server's owner, and turn what they catch
 * outside of the transaction into the client's words by `asNetworkError`.
 *
 * @throws NetworkNotFound, PortNotFound, PortInUse, NetworkRequiresSubnet, PortRequiresFixedIp,
 *   IpAddressAlreadyAllocated, InvalidIpForNetwork, ShareExhausted; NotHome for a port that another site keeps
 */
export async function preparePort(
  transaction: StateTransaction,
  scope: Scope,
  request: PreparePort,
): Promise<Port> {
  if (request.portId !== undefined) return bindPort(transaction, scope, request.portId, request)
  const { networkId = '', fixedIp } = request
  const network = await transaction.find(scope, networks, networkId)
  if (!network) throw NetworkNotFound({ id: networkId })
  const subnets = await subnetsOf(transaction, network.id)
  if (subnets.length === 0) throw NetworkRequiresSubnet({ id: network.id })
  const fixedIps: readonly FixedIpRequest[] | undefined =
    fixedIp === undefined ? undefined : [{ ip_address: fixedIp }]
  return insertPort(transaction, network, {
    subnets,
    projectId: request.projectId,
    name: '',
    description: '',
    macAddress: undefined,
    fixedIps,
    isAdminStateUp: true,
    deviceId: request.serverId,
    deviceOwner: request.deviceOwner,
    host: request.host,
    portSecurityEnabled: network.port_security_enabled,
  })
}

export interface ReleasePorts {
  readonly serverId: string
  /** Ids of all ports of the server. */
  readonly portIds: readonly string[]
  /** Those that were made with the server and go with it; the others stay, unbound. */
  readonly ownPortIds: readonly string[]
}

const releasing = cloudScope('ports of a server that goes')

/** Deletes or unbinds the ports of a server. One that is gone, or that another device uses, is left alone. @throws NotHome */
export async function unbindOrDeletePorts(
  transaction: StateTransaction,
  { serverId, portIds, ownPortIds }: ReleasePorts,
): Promise<void> {
  for (const id of new Set([...portIds, ...ownPortIds])) {
    const port = await transaction.find(releasing, ports, id)
    if (port?.device_id !== serverId) continue
    if (ownPortIds.includes(id)) await dropPort(transaction, id)
    else await transaction.update(ports, id, { ...UNBOUND })
  }
}

const UNBOUND = { device_id: '', device_owner: '', binding_host: '', status: 'DOWN' } as const

/**
 * The networks of a server whose request names none: the only one that its project can use, or none at all.
 * @throws NetworkAmbiguous, NetworkRequiresSubnet
 */
export async function defaultNetworks(
  reader: Reader,
  scope: Scope,
  projectId: string,
): Promise<readonly Network[]> {
  const usable = await reader
    .select(scope, networks)
    .selectAll()
    .where('admin_state_up', '=', true)
    .where('is_external', '=', false)
    .where((query) => query.or([query('project_id', '=', projectId), query('shared', '=', true)]))
    .limit(2)
    .execute()
  const [only, second] = usable
  if (second) throw NetworkAmbiguous({})
  if (!only) return []
  if ((await subnetsOf(reader, only.id)).length === 0) throw NetworkRequiresSubnet({ id: only.id })
  return [only]
}

async function bindPort(
  transaction: StateTransaction,
  scope: Scope,
  portId: string,
  { serverId, deviceOwner, host }: PreparePort,
): Promise<Port> {
  const port = await transaction.find(scope, ports, portId)
  if (!port) throw PortNotFound({ id: portId })
  if (port.device_id !== '') throw PortInUse({ id: portId })
  if (port.fixed_ips.length === 0) throw PortRequiresFixedIp({ id: portId })
  return transaction.update(ports, portId, {
    device_id: serverId,
    device_owner: deviceOwner,
    binding_host: host,
  })
}
