/**
 * What each host must have for one network: pure functions of the records, so that it is the same after any crash.
 * The work that is the same for all hosts is done once.
 */

import type { FabricNetwork, FabricSubnet, FixedIp, LocalPort, RemotePort } from '@atoll/fabric'
import type { Subnet } from '../addressing/addresses.ts'
import { type Cidr, isHostAddress, parseCidr, parseIpv4 } from '../addressing/ipv4.ts'
import type { NetworkView, PortFacts } from './network-view.ts'

export interface Names {
  /** Underlay address by name of host; ports of a host without one are left out until it is known. */
  readonly tunnelIps: ReadonlyMap<string, string>
  /** Names of guests by id of their device. */
  readonly hostnames: ReadonlyMap<string, string>
}

/** A network made ready for `planNetwork`. */
export interface PreparedNetwork {
  readonly network: Omit<FabricNetwork, 'localPorts' | 'remotePorts'>
  /** In order of port id. */
  readonly entries: readonly Entry[]
  /** MAC and IP addresses that no port may have: those of DHCP. */
  readonly reserved: readonly string[]
}

interface Entry {
  readonly host: string
  readonly local: LocalPort
  /** Undefined while the address of its host is not known. */
  readonly remote: RemotePort | undefined
  /** True when another port, or DHCP, has one of its addresses, too. */
  readonly isContested: boolean
}

const MAC_ADDRESS = /^[0-9a-f][02468ace](:[0-9a-f]{2}){5}$/
const DNS_LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i

/** Leaves out what cannot be wired anywhere: one bad record must not take a network down. */
export function prepareNetwork({ network, subnets, ports }: NetworkView, names: Names): PreparedNetwork {
  const cidrs = new Map(subnets.map(({ id, cidr }) => [id, parseCidr(cidr)]))
  const reserved = subnets.flatMap(({ dhcp_mac, dhcp_ip }) =>
    dhcp_mac && dhcp_ip ? [dhcp_mac, dhcp_ip] : [],
  )
  const uses = new Map<string, number>(reserved.map((address) => [address, 1]))
  const locals = [...ports.values()]
    .filter(({ macAddress }) => MAC_ADDRESS.test(macAddress))
    .sort((left, right) => (left.id < right.id ? -1 : 1))
    .map((port) => ({
      host: port.host,
      local: localPort(port, cidrs, { names, isUp: network.admin_state_up }),
    }))
  for (const { local } of locals) {
    for (const address of addressesOf(local)) uses.set(address, (uses.get(address) ?? 0) + 1)
  }
  const entries = locals.map(({ host, local }): Entry => {
    const { macAddress, fixedIps } = local
    const tunnelIp = names.tunnelIps.get(host)
    const remote = tunnelIp === undefined ? undefined : { macAddress, fixedIps, tunnelIp }
    return { host, local, remote, isContested: addressesOf(local).some((it) => (uses.get(it) ?? 0) > 1) }
  })
  const { id, vni, mtu } = network
  return { network: { id, vni, mtu, subnets: subnets.map(fabricSubnet) }, entries, reserved }
}

/**
 * The statement for the fabric of `hostName`, or undefined when the host has no port of the network and needs
 * nothing of it. Two sites that are cut off from each other may make ports with the same MAC or IP address: then
 * this host's own comes first, so that no healthy guest is touched when they meet again, else that of the lower id.
 */
export function planNetwork(
  { network, entries, reserved }: PreparedNetwork,
  hostName: string,
): FabricNetwork | undefined {
  const seen = new Set(reserved)
  const localPorts = entries
    .filter(({ host }) => host === hostName)
    .flatMap(({ local, isContested }) => (isContested ? uncontested(local, seen) : [local]))
  if (localPorts.length === 0) return undefined
  const remotePorts = entries.flatMap(({ host, remote, isContested }) => {
    if (!remote || host === hostName) return []
    return isContested ? uncontested(remote, seen) : [remote]
  })
  return { ...network, localPorts, remotePorts }
}

/** What a guest is called whose server has no name that DHCP could give: as Neutron's DHCP agent does. */
export function fallbackHostname(fixedIps: readonly FixedIp[]): string {
  return `host-${(fixedIps[0]?.ipAddress ?? 'unknown').replaceAll('.', '-')}`
}

function localPort(
  port: PortFacts,
  cidrs: ReadonlyMap<string, Cidr | undefined>,
  { names, isUp }: { names: Names; isUp: boolean },
): LocalPort {
  const fixedIps = port.fixedIps.flatMap(({ subnet_id, ip_address }): FixedIp[] => {
    const [cidr, number] = [cidrs.get(subnet_id), parseIpv4(ip_address)]
    const isUsable = cidr !== undefined && number !== undefined && isHostAddress(cidr, number)
    return isUsable ? [{ subnetId: subnet_id, ipAddress: ip_address }] : []
  })
  const hostname = names.hostnames.get(port.deviceId) ?? ''
  return {
    id: port.id,
    macAddress: port.macAddress,
    fixedIps,
    hostname: DNS_LABEL.test(hostname) ? hostname : fallbackHostname(fixedIps),
    isAdminStateUp: port.isAdminStateUp && isUp,
    portSecurityEnabled: port.portSecurityEnabled,
  }
}

function fabricSubnet(subnet: Subnet): FabricSubnet {
  const { dhcp_ip, dhcp_mac } = subnet
  const hasDhcp = subnet.enable_dhcp && dhcp_ip !== null && dhcp_mac !== null
  return {
    id: subnet.id,
    cidr: subnet.cidr,
    gatewayIp: subnet.gateway_ip,
    dhcp: hasDhcp ? { ipAddress: dhcp_ip, macAddress: dhcp_mac } : null,
    dnsNameservers: subnet.dns_nameservers,
    hostRoutes: subnet.host_routes,
  }
}

interface Addressed {
  readonly macAddress: string
  readonly fixedIps: readonly FixedIp[]
}

function addressesOf({ macAddress, fixedIps }: Addressed): readonly string[] {
  return [macAddress, ...fixedIps.map(({ ipAddress }) => ipAddress)]
}

/** The port with the addresses that are still free, or nothing when its MAC address is not; takes what it keeps. */
function uncontested<Port extends Addressed>(port: Port, seen: Set<string>): Port[] {
  if (seen.has(port.macAddress)) return []
  seen.add(port.macAddress)
  const fixedIps = port.fixedIps.filter(({ ipAddress }) => !seen.has(ipAddress))
  for (const { ipAddress } of fixedIps) seen.add(ipAddress)
  return [{ ...port, fixedIps }]
}
