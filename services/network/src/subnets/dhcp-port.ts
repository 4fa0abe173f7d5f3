/**
 * The DHCP port of a network: one port record with an address of each subnet that has DHCP, as in Neutron. It is
 * made and changed with its subnets, so it lives where they do; every host answers with its addresses and its MAC.
 */

import { cloudScope, releaseNumbers, type StateTransaction } from '@atoll/state'
import { releaseAddress, type Subnet, takeAddress } from '../addressing/addresses.ts'
import { mintMacAddress } from '../addressing/mac-address.ts'
import type { Network } from '../networks/view.ts'
import type { Port } from '../ports/view.ts'
import { DHCP_OWNER, ports } from '../records.ts'

const scope = cloudScope('the DHCP port of a network')

/** What the subnet keeps of the port, so that a host need not look for it. */
export interface DhcpAddress {
  readonly dhcp_ip: string | null
  readonly dhcp_mac: string | null
}

/** Takes an address of `subnet` for the network's DHCP port, which comes into being with its first. */
export async function addDhcpAddress(
  transaction: StateTransaction,
  network: Network,
  subnet: Subnet,
): Promise<DhcpAddress> {
  const port = (await findDhcpPort(transaction, network.id)) ?? (await makeDhcpPort(transaction, network))
  const address = await takeAddress(transaction, { subnet, portId: port.id, ipAddress: undefined })
  await transaction.update(ports, port.id, { fixed_ips: [...port.fixed_ips, address] })
  return { dhcp_ip: address.ip_address, dhcp_mac: port.mac_address }
}

/** Gives the address of `subnet` back; the port goes with its last. */
export async function removeDhcpAddress(
  transaction: StateTransaction,
  { id, network_id }: Subnet,
): Promise<DhcpAddress> {
  const port = await findDhcpPort(transaction, network_id)
  const kept = port?.fixed_ips.filter(({ subnet_id }) => subnet_id !== id) ?? []
  for (const address of port?.fixed_ips ?? []) {
    if (port && !kept.includes(address)) await releaseAddress(transaction, address, port.id)
  }
  if (port && kept.length > 0) await transaction.update(ports, port.id, { fixed_ips: kept })
  else if (port) await transaction.remove(ports, port.id)
  return { dhcp_ip: null, dhcp_mac: null }
}

export async function removeDhcpPort(transaction: StateTransaction, networkId: string): Promise<void> {
  const port = await findDhcpPort(transaction, networkId)
  if (!port) return
  await releaseNumbers(transaction, port.id)
  await transaction.remove(ports, port.id)
}

async function findDhcpPort(transaction: StateTransaction, networkId: string): Promise<Port | undefined> {
  return transaction
    .select(scope, ports)
    .selectAll()
    .where('network_id', '=', networkId)
    .where('device_owner', '=', DHCP_OWNER)
    .executeTakeFirst()
}

async function makeDhcpPort(transaction: StateTransaction, network: Network): Promise<Port> {
  return transaction.insert(ports, {
    project_id: network.project_id,
    name: '',
    description: '',
    network_id: network.id,
    mac_address: await mintMacAddress(transaction, network.id),
    fixed_ips: [],
    admin_state_up: true,
    status: 'ACTIVE',
    device_id: `dhcp-${network.id}`,
    device_owner: DHCP_OWNER,
    binding_host: '',
    port_security_enabled: false,
    tags: [],
  })
}
