/** What is done with subnets. They live where their network does, so that no two of one network overlap. */

import { cloudScope, endNumbers, foundShare, type StateTransaction } from '@atoll/state'
import type { Static } from 'typebox'
import { addressesOf, type Subnet, subnetsOf } from '../addressing/addresses.ts'
import { type Cidr, formatIpv4, overlap, parseCidr } from '../addressing/ipv4.ts'
import { InvalidInput, NetworkNotFound, SubnetInUse } from '../errors.ts'
import type { Network } from '../networks/view.ts'
import { DHCP_OWNER, networks, ports, subnets } from '../records.ts'
import { ownerOf } from '../resource/parse-body.ts'
import type { Actor } from '../resource/resource.ts'
import { addDhcpAddress, removeDhcpAddress } from './dhcp-port.ts'
import {
  demandGatewayOutside,
  poolsOf,
  rangesOf,
  readCidr,
  readGateway,
  readHostRoutes,
  readNameservers,
  readPools,
} from './plan-subnet.ts'
import type { CreateSubnet, UpdateSubnet } from './schema.ts'

const scope = cloudScope('who uses a subnet')

export async function createSubnet(
  transaction: StateTransaction,
  actor: Actor,
  body: Static<typeof CreateSubnet>,
): Promise<Subnet> {
  const project_id = ownerOf(actor, body)
  const cidr = readCidr(body.cidr, body.ip_version ?? 4)
  const gateway = readGateway(cidr, body.gateway_ip)
  const ranges = readPools(cidr, gateway, body.allocation_pools)
  const network = await transaction.find(actor.scope, networks, body.network_id)
  if (!network) throw NetworkNotFound({ id: body.network_id })
  actor.authorize('create_subnet:network', { 'network:project_id': network.project_id })
  await demandNoOverlap(transaction, network, cidr)
  // The write makes sure that this is where the network's subnets are kept; its revision rises, as in Neutron.
  await transaction.update(networks, network.id, {})
  const subnet = await transaction.insert(subnets, {
    project_id,
    name: body.name ?? '',
    description: body.description ?? '',
    network_id: network.id,
    ip_version: 4,
    cidr: cidr.text,
    gateway_ip: gateway === undefined ? null : formatIpv4(gateway),
    enable_dhcp: body.enable_dhcp ?? true,
    dhcp_ip: null,
    dhcp_mac: null,
    dns_nameservers: readNameservers(body.dns_nameservers ?? []),
    host_routes: readHostRoutes(body.host_routes ?? []),
    allocation_pools: poolsOf(ranges),
    tags: [],
    shared: network.shared,
  })
  await foundShare(transaction, addressesOf(subnet.id), { ranges })
  if (!subnet.enable_dhcp) return subnet
  return transaction.update(subnets, subnet.id, await addDhcpAddress(transaction, network, subnet))
}

export async function updateSubnet(
  transaction: StateTransaction,
  _actor: Actor,
  subnet: Subnet,
  body: Static<typeof UpdateSubnet>,
): Promise<Subnet> {
  const { gateway_ip, dns_nameservers, host_routes, enable_dhcp, ...rest } = body
  const patch = {
    ...rest,
    ...(gateway_ip !== undefined && { gateway_ip: changedGateway(subnet, gateway_ip) }),
    ...(dns_nameservers && { dns_nameservers: readNameservers(dns_nameservers) }),
    ...(host_routes && { host_routes: readHostRoutes(host_routes) }),
    ...(enable_dhcp !== undefined && { enable_dhcp }),
  }
  return transaction.update(subnets, subnet.id, {
    ...patch,
    ...(await changedDhcp(transaction, subnet, enable_dhcp)),
  })
}

/** @throws SubnetInUse */
export async function removeSubnet(transaction: StateTransaction, subnet: Subnet): Promise<void> {
  const others = await transaction
    .select(scope, ports)
    .select('fixed_ips')
    .where('network_id', '=', subnet.network_id)
    .where('device_owner', '!=', DHCP_OWNER)
    .execute()
  const isUsed = others.some(({ fixed_ips }) => fixed_ips.some(({ subnet_id }) => subnet_id === subnet.id))
  if (isUsed) throw SubnetInUse({ id: subnet.id })
  await removeDhcpAddress(transaction, subnet)
  await endNumbers(transaction, addressesOf(subnet.id))
  await transaction.remove(subnets, subnet.id)
}

async function demandNoOverlap(transaction: StateTransaction, network: Network, cidr: Cidr): Promise<void> {
  for (const other of await subnetsOf(transaction, network.id)) {
    const otherCidr = parseCidr(other.cidr)
    if (otherCidr && overlap(cidr, otherCidr)) {
      throw InvalidInput({
        reason: `Requested subnet with cidr: ${cidr.text} for network: ${network.id} overlaps with another subnet`,
      })
    }
  }
}

function changedGateway(subnet: Subnet, gatewayIp: string | null): string | null {
  const gateway = readGateway(readCidr(subnet.cidr, 4), gatewayIp)
  demandGatewayOutside(rangesOf(subnet.allocation_pools), gateway)
  return gateway === undefined ? null : formatIpv4(gateway)
}

async function changedDhcp(transaction: StateTransaction, subnet: Subnet, enableDhcp: boolean | undefined) {
  if (enableDhcp === undefined || enableDhcp === subnet.enable_dhcp) return {}
  if (!enableDhcp) return removeDhcpAddress(transaction, subnet)
  const network = await transaction.find(scope, networks, subnet.network_id)
  if (!network) throw NetworkNotFound({ id: subnet.network_id })
  return addDhcpAddress(transaction, network, subnet)
}
