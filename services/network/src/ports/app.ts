/** What is done with ports. A port lives where it is made; its addresses come out of that site's share. */

import { cloudScope, releaseNumbers, type StateTransaction } from '@atoll/state'
import type { Static } from 'typebox'
import {
  type FixedIpRequest,
  releaseAddress,
  type Subnet,
  subnetFor,
  subnetsOf,
  takeAddress,
  takeAddresses,
} from '../addressing/addresses.ts'
import { demandFreeMacAddress, mintMacAddress } from '../addressing/mac-address.ts'
import { InvalidInput, NetworkNotFound, ServicePortInUse } from '../errors.ts'
import type { Network } from '../networks/view.ts'
import { DHCP_OWNER, type FixedIp, networks, ports } from '../records.ts'
import { ownerOf } from '../resource/parse-body.ts'
import type { Actor } from '../resource/resource.ts'
import type { CreatePort, UpdatePort } from './schema.ts'
import type { Port } from './view.ts'

const scope = cloudScope('the network of a port')

export async function createPort(
  transaction: StateTransaction,
  actor: Actor,
  body: Static<typeof CreatePort>,
): Promise<Port> {
  const project_id = ownerOf(actor, body)
  const network = await transaction.find(actor.scope, networks, body.network_id)
  if (!network) throw NetworkNotFound({ id: body.network_id })
  authorizeAttributes(actor, 'create_port', network, body)
  if (body.mac_address !== undefined) {
    actor.authorize('create_port:mac_address', targetOf(network))
    await demandFreeMacAddress(transaction, network.id, body.mac_address.toLowerCase())
  }
  return insertPort(transaction, network, {
    subnets: await subnetsOf(transaction, network.id),
    projectId: project_id,
    name: body.name ?? '',
    description: body.description ?? '',
    macAddress: body.mac_address?.toLowerCase(),
    fixedIps: body.fixed_ips,
    isAdminStateUp: body.admin_state_up ?? true,
    deviceId: body.device_id ?? '',
    deviceOwner: body.device_owner ?? '',
    host: body['binding:host_id'] ?? '',
    portSecurityEnabled: body.port_security_enabled ?? network.port_security_enabled,
  })
}

export interface NewPort {
  /** All of the network's, oldest first. */
  readonly subnets: readonly Subnet[]
  readonly projectId: string | null
  readonly name: string
  readonly description: string
  /** Minted when undefined. */
  readonly macAddress: string | undefined
  readonly fixedIps: readonly FixedIpRequest[] | undefined
  readonly isAdminStateUp: boolean
  readonly deviceId: string
  readonly deviceOwner: string
  readonly host: string
  readonly portSecurityEnabled: boolean
}

/** Makes a port of `network` with its addresses. @throws ShareExhausted, IpAddressAlreadyAllocated … */
export async function insertPort(
  transaction: StateTransaction,
  network: Network,
  port: NewPort,
): Promise<Port> {
  const id = transaction.mintId<'port'>()
  const { subnets, fixedIps: requests } = port
  return transaction.insert(ports, {
    id,
    project_id: port.projectId,
    name: port.name,
    description: port.description,
    network_id: network.id,
    mac_address: port.macAddress ?? (await mintMacAddress(transaction, network.id)),
    fixed_ips: await takeAddresses(transaction, { portId: id, networkId: network.id, subnets, requests }),
    admin_state_up: port.isAdminStateUp,
    status: 'DOWN',
    device_id: port.deviceId,
    device_owner: port.deviceOwner,
    binding_host: port.host,
    port_security_enabled: port.portSecurityEnabled,
    tags: [],
  })
}

export async function updatePort(
  transaction: StateTransaction,
  actor: Actor,
  port: Port,
  body: Static<typeof UpdatePort>,
): Promise<Port> {
  const network = await transaction.find(scope, networks, port.network_id)
  if (!network) throw NetworkNotFound({ id: port.network_id })
  if (port.device_owner === DHCP_OWNER && (body.fixed_ips || body.device_owner !== undefined)) {
    throw InvalidInput({ reason: 'the addresses of a DHCP port follow from its subnets' })
  }
  authorizeAttributes(actor, 'update_port', network, body)
  const host = body['binding:host_id']
  return transaction.update(ports, port.id, {
    ...(body.name !== undefined && { name: body.name }),
    ...(body.description !== undefined && { description: body.description }),
    ...(body.admin_state_up !== undefined && { admin_state_up: body.admin_state_up }),
    ...(body.device_id !== undefined && { device_id: body.device_id }),
    ...(body.device_owner !== undefined && { device_owner: body.device_owner }),
    ...(body.port_security_enabled !== undefined && { port_security_enabled: body.port_security_enabled }),
    ...(host !== undefined && { binding_host: host }),
    ...(host === '' && { status: 'DOWN' as const }),
    ...(body.fixed_ips && { fixed_ips: await changeAddresses(transaction, port, body.fixed_ips) }),
  })
}

/** @throws ServicePortInUse for the network's own DHCP port */
export async function removePort(transaction: StateTransaction, port: Port): Promise<void> {
  if (port.device_owner === DHCP_OWNER) throw ServicePortInUse({ id: port.id, owner: port.device_owner })
  await dropPort(transaction, port.id)
}

/** Gives its addresses back with it. */
export async function dropPort(transaction: StateTransaction, portId: string): Promise<void> {
  await releaseNumbers(transaction, portId)
  await transaction.remove(ports, portId)
}

/*
 * What the port has already is kept: the address that is named, or any of the subnet that is named. The rest is
 * given back before anything new is taken, so that a port can move within a subnet that is full.
 */
async function changeAddresses(
  transaction: StateTransaction,
  port: Port,
  requests: readonly FixedIpRequest[],
): Promise<FixedIp[]> {
  const all = await subnetsOf(transaction, port.network_id)
  const unclaimed = [...port.fixed_ips]
  const claim = (isMeant: (address: FixedIp) => boolean): FixedIp | undefined => {
    const index = unclaimed.findIndex(isMeant)
    return index < 0 ? undefined : unclaimed.splice(index, 1)[0]
  }
  const wanted = requests.map((request) => {
    const subnet = subnetFor(all, request, port.network_id)
    const ipAddress = request.ip_address
    const kept = ipAddress === undefined ? undefined : claim(({ ip_address }) => ip_address === ipAddress)
    return { subnet, ipAddress, kept }
  })
  const settled = wanted.map(({ kept, ...want }) => ({
    ...want,
    kept:
      kept ??
      (want.ipAddress === undefined ? claim(({ subnet_id }) => subnet_id === want.subnet.id) : undefined),
  }))
  for (const address of unclaimed) await releaseAddress(transaction, address, port.id)
  const addresses: FixedIp[] = []
  for (const { kept, subnet, ipAddress } of settled) {
    addresses.push(kept ?? (await takeAddress(transaction, { subnet, portId: port.id, ipAddress })))
  }
  return addresses
}

function authorizeAttributes(
  actor: Actor,
  rule: 'create_port' | 'update_port',
  network: Network,
  body: Static<typeof UpdatePort>,
): void {
  const target = targetOf(network)
  if (body.device_owner?.startsWith('network:')) actor.authorize(`${rule}:device_owner`)
  if (body['binding:host_id'] !== undefined) actor.authorize(`${rule}:binding:host_id`)
  if (body.port_security_enabled !== undefined) actor.authorize(`${rule}:port_security_enabled`, target)
  if (body.fixed_ips?.some(({ ip_address }) => ip_address !== undefined)) {
    actor.authorize(`${rule}:fixed_ips:ip_address`, target)
  }
}

function targetOf({ project_id }: Network) {
  return { 'network:project_id': project_id }
}
