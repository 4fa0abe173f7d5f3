/**
 * The world of simulated hosts: what each host has wired, and which hosts can send to each other. It outlives the peers,
 * as taps, tunnels and DHCP servers outlive them on a real host. Deterministic: no time, no chance.
 */

import { type DhcpOptions, dhcpOptions, LEASE_SECONDS } from '../dhcp-options.ts'
import {
  type FabricNetwork,
  type LocalPort,
  type MetadataCaller,
  type NetworkId,
  type PortId,
  VXLAN_OVERHEAD_BYTES,
} from '../fabric.ts'

/** The underlay address of a host, which names it here. */
export type TunnelIp = string

export interface SimulatedLease extends DhcpOptions {
  readonly ipAddress: string
  readonly hostname: string
  readonly mtu: number
  readonly leaseSeconds: number
}

export interface SimulatedUnderlayOptions {
  /** The largest packet between hosts, in bytes. */
  readonly mtu?: number
}

interface Place {
  readonly tunnelIp: TunnelIp
  readonly network: FabricNetwork
  readonly port: LocalPort
}

export class SimulatedUnderlay {
  readonly #mtu: number
  readonly #hosts = new Map<TunnelIp, Map<NetworkId, FabricNetwork>>()
  readonly #cuts = new Set<string>()

  constructor({ mtu = 1500 }: SimulatedUnderlayOptions = {}) {
    this.#mtu = mtu
  }

  /** What is wired on one host, by network. Only the host's own driver changes it. */
  host(tunnelIp: TunnelIp): Map<NetworkId, FabricNetwork> {
    const host = this.#hosts.get(tunnelIp) ?? new Map<NetworkId, FabricNetwork>()
    this.#hosts.set(tunnelIp, host)
    return host
  }

  /** The host loses power: everything that was wired on it is gone. */
  powerOff(tunnelIp: TunnelIp): void {
    this.#hosts.delete(tunnelIp)
  }

  /** Nothing passes between two hosts any more, in either direction. */
  cut(left: TunnelIp, right: TunnelIp): void {
    this.#cuts.add(pair(left, right))
  }

  heal(left: TunnelIp, right: TunnelIp): void {
    this.#cuts.delete(pair(left, right))
  }

  /** Whether a ping from one port is answered by another: the ways there and back must be known, open and admitted. */
  reaches(from: PortId, to: PortId): boolean {
    const [source, target] = [this.#find(from), this.#find(to)]
    if (!source || !target || !source.port.isAdminStateUp || !target.port.isAdminStateUp) return false
    return (
      haveCommonSubnet(source.port, target.port) && this.#sends(source, target) && this.#sends(target, source)
    )
  }

  /** What DHCP answers to this MAC address, or undefined when nobody answers. The first subnet with DHCP counts. */
  lease(macAddress: string): SimulatedLease | undefined {
    const place = this.#places().find(({ port }) => port.macAddress === macAddress.toLowerCase())
    if (!place?.port.isAdminStateUp) return undefined
    const { network, port } = place
    for (const { subnetId, ipAddress } of port.fixedIps) {
      const subnet = network.subnets.find(({ id }) => id === subnetId)
      if (!subnet?.dhcp) continue
      const mtu = Math.min(network.mtu, this.#mtu - VXLAN_OVERHEAD_BYTES)
      return { ipAddress, hostname: port.hostname, mtu, leaseSeconds: LEASE_SECONDS, ...dhcpOptions(subnet) }
    }
    return undefined
  }

  /** As whom a guest is known when it asks for metadata; undefined when it gets no answer. */
  metadataCaller(portId: PortId): MetadataCaller | undefined {
    const place = this.#find(portId)
    if (!place || this.lease(place.port.macAddress) === undefined) return undefined
    return { networkId: place.network.id, portId }
  }

  #sends(from: Place, to: Place): boolean {
    if (from.tunnelIp === to.tunnelIp) return from.network.id === to.network.id
    const entry = from.network.remotePorts.find(({ macAddress }) => macAddress === to.port.macAddress)
    return (
      entry?.tunnelIp === to.tunnelIp &&
      from.network.vni === to.network.vni &&
      !this.#cuts.has(pair(from.tunnelIp, to.tunnelIp))
    )
  }

  #find(portId: PortId): Place | undefined {
    return this.#places().find(({ port }) => port.id === portId)
  }

  #places(): readonly Place[] {
    return [...this.#hosts].flatMap(([tunnelIp, networks]) =>
      [...networks.values()].flatMap((network) =>
        network.localPorts.map((port) => ({ tunnelIp, network, port })),
      ),
    )
  }
}

function pair(left: TunnelIp, right: TunnelIp): string {
  return [left, right].sort().join(' ')
}

function haveCommonSubnet(left: LocalPort, right: LocalPort): boolean {
  const subnetIds = new Set(left.fixedIps.map(({ subnetId }) => subnetId))
  return right.fixedIps.some(({ subnetId }) => subnetIds.has(subnetId))
}
