/** What dnsmasq is told: one configuration per network, and one reservation per local port and subnet. */

import { createHash } from 'node:crypto'
import { dhcpOptions, LEASE_SECONDS } from '../dhcp-options.ts'
import type { FabricNetwork, FabricSubnet } from '../fabric.ts'
import { parseCidr } from '../ipv4.ts'
import type { NetworkNames } from './network-state.ts'

export const HOSTS_FILE = 'hosts'
export const PID_FILE = 'pid'

/**
 * The configuration file. Only reserved addresses are given (`static`), nothing is kept on disk (`leasefile-ro`): the
 * reservations say everything, and a restarted server renews what a guest still holds (`dhcp-authoritative`).
 */
export function dhcpConfiguration(
  network: FabricNetwork,
  { names, mtu }: { names: NetworkNames; mtu: number },
): string | undefined {
  const subnets = network.subnets.filter(({ dhcp }) => dhcp !== null)
  if (subnets.length === 0) return undefined
  return [
    'port=0',
    'no-resolv',
    'no-hosts',
    'no-ping',
    'quiet-dhcp',
    'leasefile-ro',
    'dhcp-authoritative',
    'bind-interfaces',
    'except-interface=lo',
    `interface=${names.dhcpInside}`,
    `pid-file=${names.directory}/${PID_FILE}`,
    `dhcp-hostsfile=${names.directory}/${HOSTS_FILE}`,
    `dhcp-option-force=option:mtu,${mtu}`,
    ...subnets.flatMap((subnet, index) => subnetLines(subnet, `subnet${index}`)),
    '',
  ].join('\n')
}

/** Lines of the hosts file: `mac,address,hostname`, the first address of each port in each subnet. */
export function dhcpReservations({ localPorts }: FabricNetwork): ReadonlySet<string> {
  const lines = new Set<string>()
  for (const { macAddress, fixedIps, hostname } of localPorts) {
    const first = fixedIps.filter(
      ({ subnetId }, index) => fixedIps.findIndex((other) => other.subnetId === subnetId) === index,
    )
    for (const { ipAddress } of first) lines.add(`${macAddress},${ipAddress},${hostname}`)
  }
  return lines
}

/** Stands in the file's name, so that a process's command line says which configuration it read. */
export function configurationHash(configuration: string): string {
  return createHash('sha256').update(configuration).digest('hex').slice(0, 12)
}

// An option without a value keeps dnsmasq from sending its own address instead.
function subnetLines(subnet: FabricSubnet, tag: string): readonly string[] {
  const cidr = parseCidr(subnet.cidr)
  const { router, dnsNameservers, routes } = dhcpOptions(subnet)
  const option = (name: string, values: readonly string[]) =>
    ['dhcp-option=tag:', tag, ',option:', [name, ...values].join(',')].join('')
  return [
    `dhcp-range=set:${tag},${cidr?.network},static,${cidr?.netmask},${LEASE_SECONDS}s`,
    option('router', router === null ? [] : [router]),
    option('dns-server', dnsNameservers),
    option(
      'classless-static-route',
      routes.flatMap(({ destination, nexthop }) => [destination, nexthop]),
    ),
  ]
}
