/** What the conformance suite needs of a world with two hosts, real or simulated. */

import type { Fabric, FabricNetwork, LocalPort, MetadataCaller, RemotePort } from '../fabric.ts'

export interface FabricWorld {
  readonly hosts: readonly [WorldHost, WorldHost]
  close(): Promise<void>
}

export interface WorldHost {
  readonly tunnelIp: string
  /** The driver of this host; another one after a restart. */
  fabric(): Fabric
  /** The peer is killed, not told, and started again. */
  restartPeer(): Promise<void>
  /** Starts the guest of a port that is wired here. */
  boot(port: LocalPort): Promise<WorldGuest>
}

export interface WorldGuest {
  /** Asks for an address by DHCP and takes what it gets; undefined when nobody answers. */
  lease(): Promise<GuestLease | undefined>
  /** Whether `port` answers a ping. */
  reaches(port: LocalPort): Promise<boolean>
  /** As whom the metadata service knows this guest; undefined when it is refused. */
  metadataCaller(): Promise<MetadataCaller | undefined>
}

export interface GuestLease {
  readonly ipAddress: string
  readonly hostname: string
  readonly router: string | null
  readonly dnsNameservers: readonly string[]
  readonly mtu: number
  readonly leaseSeconds: number
  readonly routes: readonly { readonly destination: string; readonly nexthop: string }[]
}

/** A port of the sample network, with the host number `number` in 10.20.30.0/24. */
export function samplePort(number: number, changes: Partial<LocalPort> = {}): LocalPort {
  const hex = number.toString(16).padStart(2, '0')
  return {
    id: `${hex}a0b1c2-d3e4-4f50-8a6b-7c8d9e0f1a2b`,
    macAddress: `fa:16:3e:00:00:${hex}`,
    fixedIps: [{ subnetId: SUBNET_ID, ipAddress: `10.20.30.${number}` }],
    hostname: `guest-${number}`,
    isAdminStateUp: true,
    portSecurityEnabled: true,
    ...changes,
  }
}

const SUBNET_ID = '51c0ffee-0000-4000-8000-00000000001d'

export function sampleNetwork(changes: Partial<FabricNetwork> = {}): FabricNetwork {
  return {
    id: 'beefcafe-1234-4abc-8def-0123456789ab',
    vni: 4711,
    mtu: 1500,
    subnets: [
      {
        id: SUBNET_ID,
        cidr: '10.20.30.0/24',
        gatewayIp: '10.20.30.1',
        dhcp: { ipAddress: '10.20.30.2', macAddress: 'fa:16:3e:ff:ff:02' },
        dnsNameservers: ['9.9.9.9', '1.1.1.1'],
        hostRoutes: [{ destination: '192.0.2.0/24', nexthop: '10.20.30.254' }],
      },
    ],
    localPorts: [],
    remotePorts: [],
    ...changes,
  }
}

export function asRemote({ macAddress, fixedIps }: LocalPort, tunnelIp: string): RemotePort {
  return { macAddress, fixedIps, tunnelIp }
}
