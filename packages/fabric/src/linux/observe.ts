/** Reads what a host has of one tenant network, with a handful of processes, and changes nothing. */

import { stat, statfs } from 'node:fs/promises'
import { DEVICE_PREFIX, parseAlias } from '../device-name.ts'
import type { NetworkId, PortId, PresentNetwork } from '../fabric.ts'
import { readDhcp } from './dhcp-process.ts'
import { type NftListing, type ReadGuard, readGuard } from './guard.ts'
import type {
  Inside,
  Link,
  LinkKind,
  NamespaceState,
  NetworkNames,
  ObservedNetwork,
} from './network-state.ts'
import { insideNamespace, type RunProgram } from './program.ts'

/** `f_type` of a namespace's file, see statfs(2). */
const NSFS_MAGIC = 0x6e736673
/** What Ethernet carries; assumed when the underlay address is on no device, or on the loopback. */
const ETHERNET_MTU = 1500

/** The part of `ip -j -d address show` that is read here. */
export interface IpLink {
  readonly ifname: string
  readonly address?: string
  readonly mtu: number
  readonly flags: readonly string[]
  readonly master?: string
  readonly ifalias?: string
  readonly linkinfo?: {
    readonly info_kind?: string
    readonly info_data?: { readonly id?: number; readonly local?: string; readonly link?: string }
  }
  readonly addr_info?: readonly {
    readonly family: string
    readonly local: string
    readonly prefixlen: number
  }[]
}

export async function readLinks(run: RunProgram): Promise<readonly IpLink[]> {
  return parseList(await run({ program: 'ip', args: ['-j', '-d', 'address', 'show'] }))
}

/** The largest packet that the underlay carries, in bytes. */
export function underlayMtu(
  links: readonly IpLink[],
  { tunnelIp, tunnelDevice }: { tunnelIp: string; tunnelDevice: string | undefined },
): number {
  const device = links.find(({ ifname, addr_info: addresses = [] }) =>
    tunnelDevice === undefined ? addresses.some(({ local }) => local === tunnelIp) : ifname === tunnelDevice,
  )
  return device === undefined || device.flags.includes('LOOPBACK') ? ETHERNET_MTU : device.mtu
}

/** The networks of `owner` on this host. */
export function presentNetworks(links: readonly IpLink[], owner: string): readonly PresentNetwork[] {
  const ports = new Map<NetworkId, PortId[]>()
  for (const { ifname, ifalias = '' } of links) {
    const alias = ifname.startsWith(DEVICE_PREFIX) ? parseAlias(ifalias) : undefined
    if (alias?.owner !== owner) continue
    const portIds = ports.get(alias.networkId) ?? []
    ports.set(alias.networkId, alias.portId === undefined ? portIds : [...portIds, alias.portId])
  }
  return [...ports]
    .map(([networkId, portIds]) => ({ networkId, portIds: portIds.sort() }))
    .sort((left, right) => (left.networkId < right.networkId ? -1 : 1))
}

export interface ObserveOptions {
  readonly run: RunProgram
  readonly names: NetworkNames
  readonly links: readonly IpLink[]
  readonly table: string
  /** The namespace in which this process listens for metadata of the network, if it does. */
  readonly metadataInode: number | undefined
}

export async function observeNetwork(options: ObserveOptions): Promise<ObservedNetwork> {
  const { run, names, table, metadataInode } = options
  const named = await readNamespace(names.namespacePath)
  const server = await readDhcp(names.directory)
  const inode = named.inode ?? server.namespaceInode
  const entry = named.isNamed ? names.namespacePath : `/proc/${server.pid}/ns/net`
  const links = sortLinks(options)
  const hasVxlan = links.own.has(names.vxlan)
  const [guard, forwarding, neighbours, inside] = await Promise.all([
    readGuardTable(run, table),
    hasVxlan ? readForwarding(run, names) : { forwarding: new Set<string>(), bridged: new Set<string>() },
    hasVxlan ? readNeighbours(run, names) : new Set<string>(),
    inode === undefined ? undefined : readInside(run, entry, names),
  ])
  const isDhcpHealthy = server.isRunning && server.namespaceInode === inode
  return {
    links: links.own,
    unclaimed: links.unclaimed,
    strangers: links.strangers,
    ...forwarding,
    neighbours,
    guard: guard.elements.get(names.alias.networkId) ?? new Set(),
    isGuardCurrent: guard.isCurrent,
    namespace: { ...named, inode },
    inside,
    dhcp: isDhcpHealthy ? server.state : undefined,
    dhcpPid: server.pid,
    hasDhcpFiles: server.hasFiles,
    isMetadataOpen: inode !== undefined && metadataInode === inode,
  }
}

function sortLinks({ names, links }: ObserveOptions) {
  const own = new Map<string, Link>()
  const unclaimed = new Map<string, Link>()
  const strangers = new Map<string, string>()
  for (const entry of links) {
    if (!entry.ifname.startsWith(DEVICE_PREFIX)) continue
    const link = toLink(entry)
    if (entry.ifalias === undefined) unclaimed.set(entry.ifname, link)
    else if (link.alias?.owner === names.alias.owner && link.alias.networkId === names.alias.networkId)
      own.set(entry.ifname, link)
    else strangers.set(entry.ifname, entry.ifalias)
  }
  return { own, unclaimed, strangers }
}

function toLink({ ifalias = '', mtu, flags, master, linkinfo }: IpLink): Link {
  const data = linkinfo?.info_data
  const kind = linkinfo?.info_kind
  return {
    // Any other kind differs from every wanted one, which is all that matters.
    kind: kind as LinkKind,
    alias: parseAlias(ifalias),
    mtu,
    isUp: flags.includes('UP'),
    master,
    ...(kind === 'vxlan'
      ? { vxlan: { vni: data?.id ?? 0, local: data?.local ?? '', device: data?.link } }
      : {}),
  }
}

async function readNamespace(path: string): Promise<NamespaceState> {
  const file = await stat(path).catch(absent)
  if (file === undefined) return { isNamed: false, hasFile: false, inode: undefined }
  const isNamed = (await statfs(path)).type === NSFS_MAGIC
  return { isNamed, hasFile: true, inode: isNamed ? file.ino : undefined }
}

async function readInside(run: RunProgram, path: string, names: NetworkNames): Promise<Inside> {
  const call = { program: 'ip', args: ['-j', '-d', 'address', 'show'] }
  const links: readonly IpLink[] = parseList(await run(insideNamespace(path, call)))
  const own = links.find(({ ifname }) => ifname === names.dhcpInside)
  const loopback = links.find(({ ifname }) => ifname === 'lo')
  const addresses = links.flatMap(({ ifname, addr_info: entries = [] }) =>
    entries
      .filter(({ family, local }) => family === 'inet' && local !== '127.0.0.1')
      .map(({ local, prefixlen }) => `${ifname} ${local}/${prefixlen}`),
  )
  return {
    link: own && { ...toLink(own), ...(own.address === undefined ? {} : { macAddress: own.address }) },
    isLoopbackUp: loopback?.flags.includes('UP') ?? false,
    addresses: new Set(addresses),
  }
}

interface FdbEntry {
  readonly mac: string
  readonly ifname: string
  readonly flags: readonly string[]
  readonly dst?: string
  readonly state?: string
}

async function readForwarding(run: RunProgram, { bridge, vxlan }: NetworkNames) {
  const entries: readonly FdbEntry[] = parseList(
    await run({ program: 'bridge', args: ['-j', 'fdb', 'show', 'br', bridge] }),
  )
  const onVxlan = entries.filter(({ ifname }) => ifname === vxlan)
  const self = onVxlan.filter(({ flags }) => flags.includes('self'))
  const master = onVxlan.filter(({ flags, state }) => !flags.includes('self') && state === 'static')
  return {
    forwarding: new Set(self.flatMap(({ mac, dst }) => (dst === undefined ? [] : [`${mac} ${dst}`]))),
    bridged: new Set(master.map(({ mac }) => mac)),
  }
}

async function readNeighbours(run: RunProgram, { vxlan }: NetworkNames): Promise<ReadonlySet<string>> {
  const args = ['-j', 'neighbour', 'show', 'dev', vxlan, 'nud', 'permanent']
  const entries: readonly { dst: string; lladdr?: string }[] = parseList(await run({ program: 'ip', args }))
  return new Set(entries.map(({ dst, lladdr }) => `${dst} ${lladdr}`))
}

// All tables of the family are listed, because listing one that is not there is an error like any other.
async function readGuardTable(run: RunProgram, table: string): Promise<ReadGuard> {
  const listing: NftListing = JSON.parse(
    await run({ program: 'nft', args: ['-j', 'list', 'ruleset', 'bridge'] }),
  )
  return readGuard(listing, table)
}

// The programs print nothing at all when there is nothing to list.
function parseList<T>(json: string): readonly T[] {
  return json.trim() === '' ? [] : (JSON.parse(json) as readonly T[])
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
}
