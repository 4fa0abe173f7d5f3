/**
 * The edge of the fabric: whatever passes is safe to write into scripts of ip, nft and dnsmasq, and makes sense.
 * Behind it, addresses are trusted and MAC addresses are in lower case.
 */

import { isIPv4 } from 'node:net'
import { isUuid } from '@atoll/kit'
import { FabricNetworkInvalid } from './errors.ts'
import type { FabricNetwork, FabricSubnet, FixedIp, LocalPort, RemotePort, SubnetId } from './fabric.ts'
import { type Cidr, contains, parseCidr } from './ipv4.ts'

const MAC_ADDRESS = /^[0-9a-f][02468ace](:[0-9a-f]{2}){5}$/
const DNS_LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i
const VNI_MAX = 0xff_ffff
const MTU_MIN = 576
const MTU_MAX = 65_485

/** Returns `network` in canonical form. @throws FabricNetworkInvalid */
export function checkNetwork(network: FabricNetwork): FabricNetwork {
  const demand = (condition: boolean, reason: string) => {
    if (!condition) throw FabricNetworkInvalid({ networkId: network.id, reason })
  }
  demand(isUuid(network.id), 'its id is no UUID')
  demand(isWhole(network.vni, 1, VNI_MAX), `VNI ${network.vni} is not in 1 to ${VNI_MAX}`)
  demand(isWhole(network.mtu, MTU_MIN, MTU_MAX), `MTU ${network.mtu} is not in ${MTU_MIN} to ${MTU_MAX}`)
  const cidrs = new Map<SubnetId, Cidr>()
  for (const subnet of network.subnets) cidrs.set(subnet.id, checkSubnet(subnet, demand))

  const localPorts = network.localPorts.map((port) => lowerCaseMac(port))
  const remotePorts = network.remotePorts.map((port) => lowerCaseMac(port))
  for (const port of localPorts) checkLocalPort(port, demand)
  for (const { tunnelIp } of remotePorts)
    demand(isIPv4(tunnelIp), `tunnel address ${tunnelIp} is no IPv4 address`)
  checkAddresses([...localPorts, ...remotePorts], cidrs, demand)
  const ids = localPorts.map(({ id }) => id)
  demand(new Set(ids).size === ids.length, 'a port is stated twice')

  const subnets = network.subnets.map((subnet) => ({
    ...subnet,
    dhcp: subnet.dhcp && lowerCaseMac(subnet.dhcp),
  }))
  const dhcpMacs = new Set(subnets.flatMap(({ dhcp }) => dhcp?.macAddress ?? []))
  demand(dhcpMacs.size <= 1, 'its subnets name different DHCP ports')
  return { ...network, subnets, localPorts, remotePorts }
}

type Demand = (condition: boolean, reason: string) => void

function checkSubnet(subnet: FabricSubnet, demand: Demand): Cidr {
  const cidr = parseCidr(subnet.cidr)
  demand(cidr !== undefined, `${subnet.cidr} is no IPv4 network`)
  const { gatewayIp, dhcp } = subnet
  demand(gatewayIp === null || isIPv4(gatewayIp), `gateway ${gatewayIp} is no IPv4 address`)
  for (const server of subnet.dnsNameservers)
    demand(isIPv4(server), `name server ${server} is no IPv4 address`)
  for (const { destination, nexthop } of subnet.hostRoutes)
    demand(parseCidr(destination) !== undefined && isIPv4(nexthop), `route ${destination} is no IPv4 route`)
  if (dhcp) {
    demand(MAC_ADDRESS.test(dhcp.macAddress.toLowerCase()), `${dhcp.macAddress} is no MAC address`)
    demand(
      isIPv4(dhcp.ipAddress) && cidr !== undefined && contains(cidr, dhcp.ipAddress),
      `DHCP address ${dhcp.ipAddress} is not in ${subnet.cidr}`,
    )
  }
  return cidr as Cidr
}

function checkLocalPort(port: LocalPort, demand: Demand): void {
  demand(isUuid(port.id), `port id ${port.id} is no UUID`)
  demand(DNS_LABEL.test(port.hostname), `${port.hostname} is no host name`)
}

function checkAddresses(
  ports: readonly (LocalPort | RemotePort)[],
  cidrs: ReadonlyMap<SubnetId, Cidr>,
  demand: Demand,
): void {
  const seen = new Set<string>()
  for (const { macAddress, fixedIps } of ports) {
    demand(MAC_ADDRESS.test(macAddress), `${macAddress} is no MAC address`)
    demand(!seen.has(macAddress), `two ports have the MAC address ${macAddress}`)
    seen.add(macAddress)
    for (const fixedIp of fixedIps) checkFixedIp(fixedIp, { cidrs, seen, demand })
  }
}

function checkFixedIp(
  { subnetId, ipAddress }: FixedIp,
  { cidrs, seen, demand }: { cidrs: ReadonlyMap<SubnetId, Cidr>; seen: Set<string>; demand: Demand },
): void {
  const cidr = cidrs.get(subnetId)
  demand(
    isIPv4(ipAddress) && cidr !== undefined && contains(cidr, ipAddress),
    `${ipAddress} is not in its subnet ${subnetId}`,
  )
  demand(!seen.has(ipAddress), `two ports have the address ${ipAddress}`)
  seen.add(ipAddress)
}

function isWhole(value: number, min: number, max: number): boolean {
  return Number.isInteger(value) && value >= min && value <= max
}

function lowerCaseMac<T extends { readonly macAddress: string }>(item: T): T {
  return { ...item, macAddress: item.macAddress.toLowerCase() }
}
