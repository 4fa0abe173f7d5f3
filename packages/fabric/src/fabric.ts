/** What a host's networking promises: state all that one tenant network needs here, and it becomes so. */

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Id } from '@atoll/kit'

export type NetworkId = Id<'network'>
export type SubnetId = Id<'subnet'>
export type PortId = Id<'port'>

export interface Fabric {
  /** `linux` or `simulated`; shown to operators. */
  readonly kind: string
  /**
   * States ALL that this host must have for one tenant network: what is missing is made, what differs is changed,
   * what is not stated any more is removed, and nothing else is touched. Idempotent, and safe to repeat after a
   * crash at any point; a repeat without a difference makes no change at all.
   *
   * @throws FabricNetworkInvalid when the statement contradicts itself
   * @throws DeviceNameTaken when a device of that name belongs to something else
   */
  apply(network: FabricNetwork): Promise<AppliedNetwork>
  /** Takes everything of the network off this host. A network that is not here is no error. */
  remove(networkId: NetworkId): Promise<void>
  /** What is on this host now, read from the host itself, in order of network id. */
  list(): Promise<readonly PresentNetwork[]>
  /** Lets go of what only this process holds (the metadata listeners). Taps, leases and flows stay as they are. */
  close(): Promise<void>
}

export interface FabricNetwork {
  readonly id: NetworkId
  /** VXLAN network identifier, 1 … 2^24 - 1. Equal on every host of the network. */
  readonly vni: number
  /** The largest IP packet that guests may send, in bytes; lowered to what fits into the underlay. */
  readonly mtu: number
  readonly subnets: readonly FabricSubnet[]
  /** Ports whose guests run on this host. */
  readonly localPorts: readonly LocalPort[]
  /** Ports of the network on other hosts. Nothing is sent to a host that is not named here. */
  readonly remotePorts: readonly RemotePort[]
}

export interface FabricSubnet {
  readonly id: SubnetId
  readonly cidr: string
  readonly gatewayIp: string | null
  /**
   * The network's DHCP port, or null when the subnet has no DHCP. The address is anycast: the same on every host,
   * each of which answers its own guests only. The MAC address must be the same in all subnets of a network.
   */
  readonly dhcp: { readonly ipAddress: string; readonly macAddress: string } | null
  readonly dnsNameservers: readonly string[]
  readonly hostRoutes: readonly HostRoute[]
}

export interface HostRoute {
  readonly destination: string
  readonly nexthop: string
}

export interface FixedIp {
  readonly subnetId: SubnetId
  readonly ipAddress: string
}

export interface LocalPort {
  readonly id: PortId
  readonly macAddress: string
  readonly fixedIps: readonly FixedIp[]
  /** A DNS label (RFC 1123), given to the guest by DHCP. */
  readonly hostname: string
  readonly isAdminStateUp: boolean
  /** When true, the guest can send from its own addresses only. */
  readonly portSecurityEnabled: boolean
}

export interface RemotePort {
  readonly macAddress: string
  readonly fixedIps: readonly FixedIp[]
  /** Underlay address of the host where the port is. */
  readonly tunnelIp: string
}

export interface AppliedNetwork {
  /** The tap device of each local port, for the hypervisor to open. */
  readonly taps: ReadonlyMap<PortId, string>
  /** How many elementary changes were made; 0 when everything was already as stated. */
  readonly changes: number
}

export interface PresentNetwork {
  readonly networkId: NetworkId
  readonly portIds: readonly PortId[]
}

/** Who asks for metadata: told by the network that the request came from and the address it came with. */
export interface MetadataCaller {
  readonly networkId: NetworkId
  readonly portId: PortId
}

export type MetadataHandler = (
  caller: MetadataCaller,
  request: IncomingMessage,
  response: ServerResponse,
) => void

/** Where guests look for metadata, as in EC2 and OpenStack. */
export const METADATA_IP = '169.254.169.254'

/** Outer Ethernet, IPv4, UDP and VXLAN headers (RFC 7348, section 5). */
export const VXLAN_OVERHEAD_BYTES = 50
