/**
 * One tenant network on one host, as data. What is wanted and what is there have the same shape, so that a plan is the
 * difference of two values.
 */

import type { DeviceAlias } from '../device-name.ts'
import type { PortId } from '../fabric.ts'

export interface NetworkState {
  /** Bridge, VXLAN device, the host's end of the DHCP port, and taps, by name. */
  readonly links: ReadonlyMap<string, Link>
  /** `mac tunnelIp`: where the VXLAN device sends frames. */
  readonly forwarding: ReadonlySet<string>
  /** MAC addresses that the bridge sends to the VXLAN device. */
  readonly bridged: ReadonlySet<string>
  /** `ip mac`: what the VXLAN device answers to ARP. */
  readonly neighbours: ReadonlySet<string>
  /** `set element`: see guard.ts. */
  readonly guard: ReadonlySet<string>
  /** What stands in the network's own namespace; undefined when no subnet has DHCP. */
  readonly inside: Inside | undefined
  readonly dhcp: DhcpState | undefined
}

export type LinkKind = 'bridge' | 'vxlan' | 'veth' | 'tun'

export interface Link {
  readonly kind: LinkKind
  /** Undefined when another program gave the device an alias, or none did. */
  readonly alias: DeviceAlias | undefined
  readonly mtu: number
  readonly isUp: boolean
  readonly master: string | undefined
  /** Only where it matters: the DHCP port's end in the namespace. */
  readonly macAddress?: string
  readonly vxlan?: VxlanState
}

export interface VxlanState {
  readonly vni: number
  readonly local: string
  readonly device: string | undefined
}

export interface Inside {
  readonly link: Link | undefined
  readonly isLoopbackUp: boolean
  /** `device address/prefixLength`. */
  readonly addresses: ReadonlySet<string>
}

export interface DhcpState {
  /** Hash of the configuration that dnsmasq runs with. */
  readonly configurationHash: string
  /** Lines of the hosts file that dnsmasq has read. */
  readonly reservations: ReadonlySet<string>
}

export interface WantedNetwork extends NetworkState {
  readonly names: NetworkNames
  readonly taps: ReadonlyMap<PortId, string>
  /** dnsmasq's configuration; undefined without DHCP. */
  readonly dhcpConfiguration: string | undefined
}

export interface ObservedNetwork extends NetworkState {
  /** Devices with a name of ours that nobody has claimed yet: an apply was cut off just after it made them. */
  readonly unclaimed: ReadonlyMap<string, Link>
  /** Devices with a name of ours that belong to something else, and what their alias says. */
  readonly strangers: ReadonlyMap<string, string>
  /** Whether the chains in nftables are those of this version. */
  readonly isGuardCurrent: boolean
  readonly namespace: NamespaceState
  /** The dnsmasq process that runs for this network, healthy or not. */
  readonly dhcpPid: number | undefined
  /** Whether there is anything of DHCP to clear away: a process or its files. */
  readonly hasDhcpFiles: boolean
  readonly isMetadataOpen: boolean
}

export interface NamespaceState {
  /** Whether the name leads to a namespace; a mere file of that name may be left over. */
  readonly isNamed: boolean
  readonly hasFile: boolean
  /** Inode of the namespace: by the name, or else by dnsmasq's process. */
  readonly inode: number | undefined
}

/** Everything that a network is called on a host. */
export interface NetworkNames {
  readonly bridge: string
  readonly vxlan: string
  readonly dhcp: string
  readonly dhcpInside: string
  readonly namespace: string
  /** Where the namespace is entered. */
  readonly namespacePath: string
  /** Holds dnsmasq's configuration, reservations and process id. */
  readonly directory: string
  readonly alias: DeviceAlias
}
