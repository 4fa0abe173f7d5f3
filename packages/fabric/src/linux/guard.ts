/**
 * Anti-spoofing in nftables' bridge family: a guest sends from its own MAC and IP addresses only, says nothing false by ARP
 * (RFC 826), and never answers DHCP. The chains are fixed; ports are elements of sets, each with the id of its network
 * as comment, so that a change of one port is a transaction of a few elements.
 */

import { createHash } from 'node:crypto'
import { DEVICE_PREFIX, deviceName } from '../device-name.ts'
import type { FabricNetwork, LocalPort, NetworkId } from '../fabric.ts'

const NO_IP = '0.0.0.0'

/** The elements that hold one port to its addresses, as `set element`. */
export function guardElements(port: LocalPort): readonly string[] {
  if (!port.portSecurityEnabled) return []
  const tap = quote(deviceName('tap', port.id))
  return [
    `guarded ${tap}`,
    `macs ${tap} . ${port.macAddress}`,
    ...port.fixedIps.map(({ ipAddress }) => `addresses ${tap} . ${port.macAddress} . ${ipAddress}`),
  ]
}

export function guardOf(network: FabricNetwork): ReadonlySet<string> {
  return new Set(network.localPorts.flatMap((port) => guardElements(port)))
}

/** One line for `nft -f -`. */
export function guardLine(
  verb: 'add' | 'delete',
  { table, element, networkId }: { table: string; element: string; networkId: NetworkId },
): string {
  const [set = '', ...rest] = element.split(' ')
  const comment = verb === 'add' ? ` comment ${quote(networkId)}` : ''
  return `${verb} element bridge ${table} ${set} { ${rest.join(' ')}${comment} }`
}

/** Makes the table and its chains, or replaces the rules of another version; elements stay. Safe to repeat. */
export function guardSkeleton(table: string): readonly string[] {
  const chains = ['prerouting', 'guest', 'forward', 'input', 'output'].map(
    (name) => `flush chain bridge ${table} ${name}`,
  )
  return [`table bridge ${table} {\n${SETS}\n${CHAINS}\n}`, ...chains, `table bridge ${table} {\n${RULES}\n}`]
}

export interface ReadGuard {
  readonly isCurrent: boolean
  /** The elements of each network. */
  readonly elements: ReadonlyMap<NetworkId, ReadonlySet<string>>
}

/** Reads what concerns `table` from the reply of `nft -j list ruleset`. */
export function readGuard(listing: NftListing, table: string): ReadGuard {
  const elements = new Map<NetworkId, Set<string>>()
  let isCurrent = false
  for (const { set, rule } of listing.nftables) {
    if (rule?.table === table && rule.comment === VERSION) isCurrent = true
    for (const item of set?.table === table ? (set.elem ?? []) : []) {
      if (typeof item === 'string' || !('elem' in item) || item.elem.comment === undefined) continue
      const { val, comment } = item.elem
      const [name = '', ...addresses] = typeof val === 'string' ? [val] : val.concat
      const own = elements.get(comment) ?? new Set()
      elements.set(comment, own.add([set?.name, [quote(name), ...addresses].join(' . ')].join(' ')))
    }
  }
  return { isCurrent, elements }
}

type NftValue = string | { readonly concat: readonly string[] }

/** The part of nft's JSON that is read here; see libnftables-json(5). */
export interface NftListing {
  readonly nftables: readonly {
    readonly set?: {
      readonly table: string
      readonly name: string
      readonly elem?: readonly (
        | NftValue
        | { readonly elem: { readonly val: NftValue; readonly comment?: string } }
      )[]
    }
    readonly rule?: { readonly table: string; readonly comment?: string }
  }[]
}

function quote(text: string): string {
  return `"${text}"`
}

const SETS = `
  set guarded { type ifname; }
  set macs { type ifname . ether_addr; }
  set addresses { type ifname . ether_addr . ipv4_addr; }`

// Guarding at prerouting covers what is forwarded and what comes up to the host alike.
const CHAINS = `
  chain guest { }
  chain prerouting { type filter hook prerouting priority -150; policy accept; }
  chain forward { type filter hook forward priority -150; policy accept; }
  chain input { type filter hook input priority -150; policy accept; }
  chain output { type filter hook output priority -150; policy accept; }`

// The order matters in `guest`: the sender's MAC first, then what any client may do before it has an address (DHCP
// discovery, RFC 2131; ARP probes, RFC 5227), then what no guest may do, then the addresses. Only IPv4 and ARP pass.
// The DHCP port is anycast, so it never speaks to other hosts; and the host itself is no member of any tenant network.
const RULES_WITHOUT_VERSION = `
  chain guest {
    iifname . ether saddr != @macs drop
    ether type ip ip saddr ${NO_IP} ip daddr 255.255.255.255 udp sport 68 udp dport 67 accept
    ether type ip udp sport 67 drop
    ether type ip iifname . ether saddr . ip saddr @addresses accept
    ether type arp iifname . arp saddr ether . arp saddr ip @addresses accept
    ether type arp iifname . arp saddr ether @macs arp saddr ip ${NO_IP} accept
    drop
  }
  chain forward {
    iifname "${DEVICE_PREFIX}d*" oifname "${DEVICE_PREFIX}v*" drop
    iifname "${DEVICE_PREFIX}v*" oifname "${DEVICE_PREFIX}d*" drop
  }
  chain input {
    iifname "${DEVICE_PREFIX}*" drop
  }
  chain output {
    oifname "${DEVICE_PREFIX}*" drop
  }`

const VERSION = `atoll ${createHash('sha256').update(`${SETS}${CHAINS}${RULES_WITHOUT_VERSION}`).digest('hex').slice(0, 12)}`

const RULES = `${RULES_WITHOUT_VERSION}
  chain prerouting {
    iifname @guarded jump guest comment "${VERSION}"
  }`
