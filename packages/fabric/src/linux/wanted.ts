/** What one tenant network needs on this host, computed from its statement: pure. */

import { deviceName, idBeginning } from '../device-name.ts'
import { DeviceNameTaken } from '../errors.ts'
import {
  type FabricNetwork,
  type LocalPort,
  METADATA_IP,
  type NetworkId,
  type PortId,
  VXLAN_OVERHEAD_BYTES,
} from '../fabric.ts'
import { parseCidr } from '../ipv4.ts'
import { configurationHash, dhcpConfiguration, dhcpReservations } from './dhcp-config.ts'
import { guardOf } from './guard.ts'
import type { DhcpState, Inside, Link, NetworkNames, WantedNetwork } from './network-state.ts'

export type Attach = 'tap' | 'veth'

export interface HostFacts {
  /** This host's own underlay address. */
  readonly tunnelIp: string
  /** The device to send by, when routing shall not decide. */
  readonly tunnelDevice: string | undefined
  readonly underlayMtu: number
  readonly attach: Attach
}

export interface NamingOptions {
  readonly owner: string
  readonly namespacePrefix: string
  readonly runDirectory: string
}

export const NAMESPACE_DIRECTORY = '/run/netns'

export function networkNames(networkId: NetworkId, options: NamingOptions): NetworkNames {
  const { owner, namespacePrefix, runDirectory } = options
  const namespace = `${namespacePrefix}-${owner}-${idBeginning(networkId)}`
  return {
    bridge: deviceName('bridge', networkId),
    vxlan: deviceName('vxlan', networkId),
    dhcp: deviceName('dhcp', networkId),
    dhcpInside: deviceName('dhcpInside', networkId),
    namespace,
    namespacePath: `${NAMESPACE_DIRECTORY}/${namespace}`,
    directory: `${runDirectory}/${networkId}`,
    alias: { owner, networkId },
  }
}

/** @throws DeviceNameTaken when two ports of the network begin with the same 11 digits */
export function wantedNetwork(network: FabricNetwork, names: NetworkNames, facts: HostFacts): WantedNetwork {
  const mtu = Math.min(network.mtu, facts.underlayMtu - VXLAN_OVERHEAD_BYTES)
  const configuration = dhcpConfiguration(network, { names, mtu })
  const { remotePorts } = network
  return {
    names,
    taps: tapNames(network.localPorts),
    links: wantedLinks(network, { names, facts, mtu, hasDhcp: configuration !== undefined }),
    forwarding: new Set(remotePorts.map(({ macAddress, tunnelIp }) => `${macAddress} ${tunnelIp}`)),
    bridged: new Set(remotePorts.map(({ macAddress }) => macAddress)),
    neighbours: new Set(
      remotePorts.flatMap(({ macAddress, fixedIps }) =>
        fixedIps.map(({ ipAddress }) => `${ipAddress} ${macAddress}`),
      ),
    ),
    guard: guardOf(network),
    inside: configuration === undefined ? undefined : wantedInside(network, { names, mtu }),
    dhcp: wantedDhcp(network, configuration),
    dhcpConfiguration: configuration,
  }
}

function tapNames(ports: readonly LocalPort[]): ReadonlyMap<PortId, string> {
  const owners = new Map<string, PortId>()
  for (const { id } of ports) {
    const device = deviceName('tap', id)
    const ownedBy = owners.get(device)
    if (ownedBy !== undefined)
      throw DeviceNameTaken({ device, wantedFor: `port ${id}`, ownedBy: `port ${ownedBy}` })
    owners.set(device, id)
  }
  return new Map([...owners].map(([device, id]) => [id, device]))
}

function wantedLinks(
  network: FabricNetwork,
  options: { names: NetworkNames; facts: HostFacts; mtu: number; hasDhcp: boolean },
): ReadonlyMap<string, Link> {
  const { names, facts, mtu, hasDhcp } = options
  const common = { alias: names.alias, mtu, isUp: true, master: names.bridge }
  const vxlan = { vni: network.vni, local: facts.tunnelIp, device: facts.tunnelDevice }
  return new Map<string, Link>([
    [names.bridge, { ...common, kind: 'bridge', master: undefined }],
    [names.vxlan, { ...common, kind: 'vxlan', vxlan }],
    ...(hasDhcp ? [[names.dhcp, { ...common, kind: 'veth' }] as const] : []),
    ...network.localPorts.map(({ id, isAdminStateUp }): [string, Link] => [
      deviceName('tap', id),
      {
        ...common,
        kind: facts.attach === 'tap' ? 'tun' : 'veth',
        isUp: isAdminStateUp,
        alias: { ...names.alias, portId: id },
      },
    ]),
  ])
}

function wantedInside(network: FabricNetwork, { names, mtu }: { names: NetworkNames; mtu: number }): Inside {
  const dhcpPorts = network.subnets.flatMap(({ cidr, dhcp }) => (dhcp === null ? [] : [{ cidr, dhcp }]))
  return {
    link: {
      kind: 'veth',
      alias: undefined,
      mtu,
      isUp: true,
      master: undefined,
      ...(dhcpPorts[0] === undefined ? {} : { macAddress: dhcpPorts[0].dhcp.macAddress }),
    },
    isLoopbackUp: true,
    addresses: new Set([
      `lo ${METADATA_IP}/32`,
      ...dhcpPorts.map(
        ({ cidr, dhcp }) => `${names.dhcpInside} ${dhcp.ipAddress}/${parseCidr(cidr)?.prefixLength}`,
      ),
    ]),
  }
}

function wantedDhcp(network: FabricNetwork, configuration: string | undefined): DhcpState | undefined {
  if (configuration === undefined) return undefined
  return { configurationHash: configurationHash(configuration), reservations: dhcpReservations(network) }
}
