/** Reads what a client says of a subnet's addresses: checked, in canonical form, with what it left out filled in. */

import type { NumberRange } from '@atoll/state'
import { type Cidr, formatIpv4, hostRanges, isHostAddress, parseCidr, parseIpv4 } from '../addressing/ipv4.ts'
import {
  DNSNameServersExhausted,
  GatewayConflictWithAllocationPools,
  HostRoutesExhausted,
  InvalidAllocationPool,
  InvalidInput,
  OutOfBoundsAllocationPool,
  OverlappingAllocationPools,
} from '../errors.ts'
import type { AllocationPool, HostRoute } from '../records.ts'

/** Neutron's `max_dns_nameservers` and `max_subnet_host_routes`. */
const DNS_NAMESERVERS_MAX = 5
const HOST_ROUTES_MAX = 20
/** A subnet needs room for a gateway and one guest beside its own and its broadcast address. */
const PREFIX_LENGTH_MAX = 30
const LOOPBACK = parseCidr('127.0.0.0/8')
const MULTICAST_FROM = parseIpv4('224.0.0.0') ?? 0

/** @throws InvalidInput */
export function readCidr(text: string, ipVersion: number): Cidr {
  if (ipVersion === 6) throw InvalidInput({ reason: 'IPv6 subnets are not supported, use ip_version 4' })
  if (ipVersion !== 4) throw InvalidInput({ reason: `${ipVersion} is not a valid ip_version` })
  if (text.includes(':')) throw InvalidInput({ reason: 'cidr and ip_version 4 do not match' })
  const cidr = parseCidr(text)
  if (!cidr) throw InvalidInput({ reason: `'${text}' is not a valid IP subnet` })
  const { prefixLength, first } = cidr
  if (prefixLength === 0) throw InvalidInput({ reason: '0 is not allowed as CIDR prefix length' })
  if (prefixLength > PREFIX_LENGTH_MAX) {
    throw InvalidInput({ reason: `a subnet of prefix length ${prefixLength} has no room for guests` })
  }
  const isLoopback = LOOPBACK !== undefined && first >= LOOPBACK.first && first <= LOOPBACK.last
  if (isLoopback || first >= MULTICAST_FROM) {
    throw InvalidInput({ reason: `'${text}' is a loopback, multicast or reserved network` })
  }
  return cidr
}

/** The gateway's number; without a word of the client the first address, with null none. @throws InvalidInput */
export function readGateway(cidr: Cidr, gatewayIp: string | null | undefined): number | undefined {
  if (gatewayIp === null) return undefined
  if (gatewayIp === undefined) return cidr.first + 1
  const gateway = parseIpv4(gatewayIp)
  if (gateway === undefined) throw InvalidInput({ reason: `'${gatewayIp}' is not a valid IP address` })
  if (!isHostAddress(cidr, gateway)) throw InvalidInput({ reason: 'Gateway is not valid on subnet' })
  return gateway
}

/** The ranges that addresses are handed out of, sorted; without `pools` everything but the gateway. */
export function readPools(
  cidr: Cidr,
  gateway: number | undefined,
  pools: readonly AllocationPool[] | undefined,
): readonly NumberRange[] {
  if (!pools) return hostRanges(cidr, gateway)
  const ranges = pools.map((pool) => readPool(cidr, pool)).sort(([left], [right]) => left - right)
  for (const [index, range] of ranges.entries()) {
    const next = ranges[index + 1]
    if (next && next[0] < range[1]) {
      throw OverlappingAllocationPools({ first: textOf(range), second: textOf(next), cidr: cidr.text })
    }
  }
  demandGatewayOutside(ranges, gateway)
  return ranges
}

/** @throws GatewayConflictWithAllocationPools */
export function demandGatewayOutside(ranges: readonly NumberRange[], gateway: number | undefined): void {
  if (gateway === undefined) return
  const conflict = ranges.find(([from, to]) => gateway >= from && gateway < to)
  if (!conflict) return
  throw GatewayConflictWithAllocationPools({ gateway: formatIpv4(gateway), pool: textOf(conflict) })
}

export function poolsOf(ranges: readonly NumberRange[]): AllocationPool[] {
  return ranges.map(([from, to]) => ({ start: formatIpv4(from), end: formatIpv4(to - 1) }))
}

export function rangesOf(pools: readonly AllocationPool[]): NumberRange[] {
  return pools.map(({ start, end }) => [parseIpv4(start) ?? 0, (parseIpv4(end) ?? 0) + 1])
}

/** @throws InvalidInput, DNSNameServersExhausted */
export function readNameservers(addresses: readonly string[]): readonly string[] {
  if (addresses.length > DNS_NAMESERVERS_MAX) throw DNSNameServersExhausted({ limit: DNS_NAMESERVERS_MAX })
  for (const address of addresses) {
    if (parseIpv4(address) === undefined) {
      throw InvalidInput({ reason: `'${address}' is not a valid IPv4 nameserver` })
    }
  }
  if (new Set(addresses).size < addresses.length) {
    throw InvalidInput({ reason: 'Duplicate items in the list of dns_nameservers' })
  }
  return addresses
}

/** @throws InvalidInput, HostRoutesExhausted */
export function readHostRoutes(routes: readonly HostRoute[]): readonly HostRoute[] {
  if (routes.length > HOST_ROUTES_MAX) throw HostRoutesExhausted({ limit: HOST_ROUTES_MAX })
  return routes.map(({ destination, nexthop }) => {
    const cidr = parseCidr(destination)
    if (!cidr) throw InvalidInput({ reason: `'${destination}' is not a valid IP subnet` })
    if (parseIpv4(nexthop) === undefined)
      throw InvalidInput({ reason: `'${nexthop}' is not a valid IP address` })
    return { destination: cidr.text, nexthop }
  })
}

function readPool(cidr: Cidr, { start, end }: AllocationPool): NumberRange {
  const [from, last] = [parseIpv4(start), parseIpv4(end)]
  const pool = `${start}-${end}`
  if (from === undefined || last === undefined || from > last) throw InvalidAllocationPool({ pool })
  if (!isHostAddress(cidr, from) || !isHostAddress(cidr, last)) {
    throw OutOfBoundsAllocationPool({ pool, cidr: cidr.text })
  }
  return [from, last + 1]
}

function textOf([from, to]: NumberRange): string {
  return `${formatIpv4(from)}-${formatIpv4(to - 1)}`
}
