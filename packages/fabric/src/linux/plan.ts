/**
 * The way from what a host has to what it must have, as data. Pure: nothing is read or run here. An empty plan means that
 * everything is as stated.
 */

import { formatAlias } from '../device-name.ts'
import { DeviceNameTaken } from '../errors.ts'
import { guardLine, guardSkeleton } from './guard.ts'
import type { NetworkNames, NetworkState, ObservedNetwork, WantedNetwork } from './network-state.ts'
import { planLinks } from './plan-links.ts'

/** One elementary change. Neighbours of one tool run as one process, in order. */
export type Step =
  | { readonly tool: 'ip' | 'bridge' | 'nft' | 'ip-inside'; readonly line: string }
  | { readonly tool: 'namespace'; readonly args: readonly string[] }
  | {
      readonly tool: 'dhcp'
      readonly action: 'restart' | 'reload'
      readonly configuration: string
      readonly reservations: readonly string[]
    }
  | { readonly tool: 'dhcp'; readonly action: 'stop' }
  | { readonly tool: 'metadata'; readonly action: 'open' | 'close' }

/** The plan that takes everything of a network off the host. */
export function planRemoval(names: NetworkNames, observed: ObservedNetwork, table: string): readonly Step[] {
  const nothing: NetworkState = {
    links: new Map(),
    forwarding: new Set(),
    bridged: new Set(),
    neighbours: new Set(),
    guard: new Set(),
    inside: undefined,
    dhcp: undefined,
  }
  return planNetwork({ ...nothing, names, taps: new Map(), dhcpConfiguration: undefined }, observed, table)
}

/**
 * Guards stand before a guest can send and fall after it cannot any more. Devices go before the servers, because a
 * namespace without a name dies with its last process, and takes its devices along at a time of its own.
 *
 * @throws DeviceNameTaken when a wanted name belongs to something else
 */
export function planNetwork(
  wanted: WantedNetwork,
  observed: ObservedNetwork,
  table: string,
): readonly Step[] {
  refuseStrangers(wanted, observed)
  const links = planLinks(wanted, observed)
  return [
    ...planGuards(wanted, observed, table),
    ...planNamespace(wanted, observed),
    ...links.steps,
    ...planNeighbours(wanted, links.isVxlanNew ? new Set() : observed.neighbours),
    ...planForwarding(wanted, links.isVxlanNew ? nothingForwarded : observed),
    ...planServersAway(wanted, observed),
    ...planNamespaceAway(wanted, observed),
    ...planInside(wanted, observed.inside),
    ...planDhcp(wanted, observed, links.isInsideNew),
    ...(wanted.inside && !observed.isMetadataOpen ? [{ tool: 'metadata', action: 'open' } as const] : []),
    ...planGuardsAway(wanted, observed, table),
  ]
}

const nothingForwarded = Object.freeze({ forwarding: new Set<string>(), bridged: new Set<string>() })

function refuseStrangers({ names, links }: WantedNetwork, { strangers }: ObservedNetwork): void {
  for (const [device, { alias }] of links) {
    const ownedBy = strangers.get(device)
    if (ownedBy !== undefined)
      throw DeviceNameTaken({ device, wantedFor: formatAlias(alias ?? names.alias), ownedBy })
  }
}

function planServersAway(wanted: WantedNetwork, observed: ObservedNetwork): readonly Step[] {
  if (wanted.inside) return []
  return [
    ...(observed.isMetadataOpen ? [{ tool: 'metadata', action: 'close' } as const] : []),
    ...(observed.hasDhcpFiles ? [{ tool: 'dhcp', action: 'stop' } as const] : []),
  ]
}

function planGuards(
  { names, guard, links }: WantedNetwork,
  observed: ObservedNetwork,
  table: string,
): readonly Step[] {
  const added = [...guard].filter((element) => !observed.guard.has(element))
  const isSkeletonNeeded = !observed.isGuardCurrent && (links.size > 0 || observed.guard.size > 0)
  return [
    ...(isSkeletonNeeded ? guardSkeleton(table) : []),
    ...added.map((element) => guardLine('add', { table, element, networkId: names.alias.networkId })),
  ].map((line) => ({ tool: 'nft', line }))
}

function planGuardsAway(
  { names, guard }: WantedNetwork,
  observed: ObservedNetwork,
  table: string,
): readonly Step[] {
  return [...observed.guard]
    .filter((element) => !guard.has(element))
    .map((element) => guardLine('delete', { table, element, networkId: names.alias.networkId }))
    .map((line) => ({ tool: 'nft', line }))
}

// When the peer was started in a mount namespace of its own, the name is lost with it, while dnsmasq keeps the network
// namespace alive: it then gets its name back. A mere file in the place of the name has to go first.
function planNamespace(
  { names, inside }: WantedNetwork,
  { namespace, dhcpPid }: ObservedNetwork,
): readonly Step[] {
  if (!inside || namespace.isNamed) return []
  const isAlive = namespace.inode !== undefined && dhcpPid !== undefined
  return [
    ...(namespace.hasFile ? [['delete', names.namespace]] : []),
    isAlive ? ['attach', names.namespace, String(dhcpPid)] : ['add', names.namespace],
  ].map((args) => ({ tool: 'namespace', args }))
}

function planNamespaceAway(
  { names, inside }: WantedNetwork,
  { namespace }: ObservedNetwork,
): readonly Step[] {
  return !inside && namespace.hasFile ? [{ tool: 'namespace', args: ['delete', names.namespace] }] : []
}

// Replacing covers an address that moved to another MAC, so that only vanished addresses are deleted.
function planNeighbours(
  { names, neighbours }: WantedNetwork,
  observed: ReadonlySet<string>,
): readonly Step[] {
  const kept = new Set([...neighbours].map(firstWord))
  const gone = [...observed].map(firstWord).filter((ipAddress) => !kept.has(ipAddress))
  return [
    ...gone.map((ip) => `neigh del ${ip} dev ${names.vxlan}`),
    ...[...neighbours]
      .filter((entry) => !observed.has(entry))
      .map((entry) => entry.split(' '))
      .map(([ip, mac]) => `neigh replace ${ip} lladdr ${mac} dev ${names.vxlan} nud permanent`),
  ].map((line) => ({ tool: 'ip', line }))
}

function planForwarding(
  { names, forwarding, bridged }: WantedNetwork,
  observed: Pick<NetworkState, 'forwarding' | 'bridged'>,
): readonly Step[] {
  const device = `dev ${names.vxlan}`
  const goneFromVxlan = [...observed.forwarding].filter((entry) => !bridged.has(firstWord(entry)))
  return [
    ...[...observed.bridged]
      .filter((mac) => !bridged.has(mac))
      .map((mac) => `fdb del ${mac} ${device} master`),
    ...goneFromVxlan
      .map((entry) => entry.split(' '))
      .map(([mac, ip]) => `fdb del ${mac} ${device} dst ${ip} self`),
    ...[...forwarding]
      .filter((entry) => !observed.forwarding.has(entry))
      .map((entry) => entry.split(' '))
      .map(([mac, ip]) => `fdb replace ${mac} ${device} dst ${ip} self permanent`),
    ...[...bridged]
      .filter((mac) => !observed.bridged.has(mac))
      .map((mac) => `fdb replace ${mac} ${device} master static`),
  ].map((line) => ({ tool: 'bridge', line }))
}

function planInside({ names, inside }: WantedNetwork, observed: ObservedNetwork['inside']): readonly Step[] {
  if (!inside?.link) return []
  const link = observed?.link
  const device = names.dhcpInside
  const set = (words: string) => `link set dev ${device} ${words}`
  const addresses = observed?.addresses ?? new Set()
  const address = (verb: string, entry: string) => {
    const [on, cidr] = entry.split(' ')
    return `address ${verb} ${cidr} dev ${on}`
  }
  return [
    ...(observed?.isLoopbackUp ? [] : ['link set dev lo up']),
    ...(link ? [] : [set('addrgenmode none')]),
    ...(link?.macAddress === inside.link.macAddress ? [] : [set(`address ${inside.link.macAddress}`)]),
    ...(link?.mtu === inside.link.mtu ? [] : [set(`mtu ${inside.link.mtu}`)]),
    ...(link?.isUp ? [] : [set('up')]),
    ...[...addresses].filter((entry) => !inside.addresses.has(entry)).map((entry) => address('del', entry)),
    ...[...inside.addresses].filter((entry) => !addresses.has(entry)).map((entry) => address('add', entry)),
  ].map((line) => ({ tool: 'ip-inside', line }))
}

// An address that passes to another port is free only when the server forgets its leases, which a restart does; a new
// reservation needs no more than another look at the file.
function planDhcp(wanted: WantedNetwork, observed: ObservedNetwork, isInsideNew: boolean): readonly Step[] {
  const { dhcp, dhcpConfiguration: configuration } = wanted
  if (!dhcp || configuration === undefined) return []
  const reservations = [...dhcp.reservations]
  const current = observed.dhcp
  const isRunning = current?.configurationHash === dhcp.configurationHash && !isInsideNew
  if (!current || !isRunning || [...current.reservations].some((line) => !dhcp.reservations.has(line)))
    return [{ tool: 'dhcp', action: 'restart', configuration, reservations }]
  if (reservations.some((line) => !current.reservations.has(line)))
    return [{ tool: 'dhcp', action: 'reload', configuration, reservations }]
  return []
}

function firstWord(text: string): string {
  return text.split(' ', 1)[0] ?? ''
}
