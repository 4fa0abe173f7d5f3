/** Addresses of subnets: taken out of this site's share when a port is made, given back when it goes. */

import type { Row } from '@atoll/rome'
import {
  cloudScope,
  heldShare,
  type Reader,
  releaseNumber,
  ShareExhausted,
  type StateTransaction,
  takeNumber,
  takeReservedNumber,
  takeThisNumber,
} from '@atoll/state'
import {
  InvalidInput,
  InvalidIpForNetwork,
  InvalidIpForSubnet,
  IpAddressAlreadyAllocated,
  IpAddressLent,
} from '../errors.ts'
import { type FixedIp, subnets } from '../records.ts'
import { formatIpv4, isHostAddress, parseCidr, parseIpv4 } from './ipv4.ts'

export type Subnet = Row<typeof subnets>

/** What a client asks for: an address, any address of a subnet, or an address of a certain subnet. */
export interface FixedIpRequest {
  readonly subnet_id?: string
  readonly ip_address?: string
}

/** Names the numbered resource that holds a subnet's addresses. */
export const addressesOf = (subnetId: string) => `addresses:${subnetId}`

const scope = cloudScope('addresses of a network')

/** The subnets of a network, oldest first: whoever may use the network may use all of them. */
export async function subnetsOf(reader: Reader, networkId: string): Promise<readonly Subnet[]> {
  return reader
    .select(scope, subnets)
    .selectAll()
    .where('network_id', '=', networkId)
    .orderBy('created_at')
    .orderBy('id')
    .execute()
}

/**
 * Takes what `requests` ask for, in their order; without requests, one address of the first subnet that has any
 * left. A network without subnets gives none.
 *
 * @throws ShareExhausted so that the state can borrow; see `asNetworkError`
 */
export async function takeAddresses(
  transaction: StateTransaction,
  { portId, networkId, subnets: all, requests }: Taking,
): Promise<FixedIp[]> {
  if (!requests) return takeAnyAddress(transaction, all, portId)
  const taken: FixedIp[] = []
  for (const request of requests) {
    const subnet = subnetFor(all, request, networkId)
    taken.push(await takeAddress(transaction, { subnet, portId, ipAddress: request.ip_address }))
  }
  return taken
}

export interface Taking {
  readonly portId: string
  readonly networkId: string
  /** All of the network's, oldest first. */
  readonly subnets: readonly Subnet[]
  readonly requests: readonly FixedIpRequest[] | undefined
}

/** Takes one address of `subnet`, a certain one when it is named. */
export async function takeAddress(
  transaction: StateTransaction,
  { subnet, portId, ipAddress }: { subnet: Subnet; portId: string; ipAddress: string | undefined },
): Promise<FixedIp> {
  if (ipAddress !== undefined) {
    await takeNamed(transaction, { subnet, portId, ipAddress })
    return { subnet_id: subnet.id, ip_address: ipAddress }
  }
  const number = await takeNumber(transaction, { resource: addressesOf(subnet.id), holder: portId })
  return { subnet_id: subnet.id, ip_address: formatIpv4(number) }
}

export async function releaseAddress(
  transaction: StateTransaction,
  { subnet_id, ip_address }: FixedIp,
  portId: string,
): Promise<void> {
  const number = parseIpv4(ip_address)
  if (number === undefined) return
  await releaseNumber(transaction, { resource: addressesOf(subnet_id), holder: portId }, number)
}

/** The subnet that a request means. @throws InvalidInput, InvalidIpForNetwork, InvalidIpForSubnet */
export function subnetFor(
  all: readonly Subnet[],
  { subnet_id, ip_address }: FixedIpRequest,
  networkId: string,
): Subnet {
  if (subnet_id === undefined && ip_address === undefined) {
    throw InvalidInput({ reason: 'IP allocation requires subnet_id or ip_address' })
  }
  const number = ip_address === undefined ? undefined : parseIpv4(ip_address)
  if (ip_address !== undefined && number === undefined) {
    throw InvalidInput({ reason: `'${ip_address.slice(0, 64)}' is not a valid IP address` })
  }
  if (subnet_id === undefined) {
    const subnet = all.find((candidate) => number !== undefined && isIn(candidate, number))
    if (!subnet) throw InvalidIpForNetwork({ ipAddress: ip_address ?? '' })
    return subnet
  }
  const subnet = all.find(({ id }) => id === subnet_id)
  if (!subnet) {
    throw InvalidInput({
      reason: `Failed to create port on network ${networkId}, because fixed_ips included invalid subnet ${subnet_id}`,
    })
  }
  if (number !== undefined && !isIn(subnet, number)) throw InvalidIpForSubnet({ ipAddress: ip_address ?? '' })
  return subnet
}

/** True when this site's share of the subnet has the address, so that it can be taken without asking anybody. */
export async function isInShare(
  transaction: StateTransaction,
  subnetId: string,
  ipAddress: string,
): Promise<boolean> {
  const share = await heldShare(transaction, addressesOf(subnetId))
  const number = parseIpv4(ipAddress) ?? -1
  return (share?.ranges ?? []).some(([from, to]) => number >= from && number < to)
}

async function takeAnyAddress(
  transaction: StateTransaction,
  all: readonly Subnet[],
  portId: string,
): Promise<FixedIp[]> {
  let exhausted: unknown
  for (const subnet of all) {
    try {
      return [await takeAddress(transaction, { subnet, portId, ipAddress: undefined })]
    } catch (error) {
      if (!ShareExhausted.is(error)) throw error
      exhausted ??= error
    }
  }
  if (exhausted) throw exhausted
  return []
}

/*
 * An address inside the pools is in somebody's share. One outside of them is in nobody's, so only the site that
 * may write the subnet hands it out: the write of the subnet is what makes sure of that.
 */
async function takeNamed(
  transaction: StateTransaction,
  { subnet, portId, ipAddress }: { subnet: Subnet; portId: string; ipAddress: string },
): Promise<void> {
  const taken = { resource: addressesOf(subnet.id), holder: portId }
  const number = parseIpv4(ipAddress) ?? -1
  let isFree: boolean
  if (await isInShare(transaction, subnet.id, ipAddress)) {
    isFree = await takeThisNumber(transaction, taken, number)
  } else if (isInPools(subnet, number)) {
    throw IpAddressLent({ ipAddress, subnetId: subnet.id })
  } else {
    await transaction.update(subnets, subnet.id, {})
    isFree = await takeReservedNumber(transaction, taken, number)
  }
  if (!isFree) throw IpAddressAlreadyAllocated({ ipAddress, subnetId: subnet.id })
}

function isIn(subnet: Subnet, number: number): boolean {
  const cidr = parseCidr(subnet.cidr)
  return cidr !== undefined && isHostAddress(cidr, number)
}

function isInPools({ allocation_pools }: Subnet, number: number): boolean {
  return allocation_pools.some(
    ({ start, end }) => number >= (parseIpv4(start) ?? Infinity) && number <= (parseIpv4(end) ?? -1),
  )
}
