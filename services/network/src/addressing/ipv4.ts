/** IPv4 addresses as whole numbers, and the ranges that subnets are made of. */

import type { NumberRange } from '@atoll/state'

export interface Cidr {
  /** Canonical form, host bits cleared. */
  readonly text: string
  /** The network's own address. */
  readonly first: number
  /** The broadcast address. */
  readonly last: number
  readonly prefixLength: number
}

const DOTTED = /^(25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(\.(25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)){3}$/

/** Reads a dotted quad without leading zeros, or answers undefined. */
export function parseIpv4(text: string): number | undefined {
  if (!DOTTED.test(text)) return undefined
  return text.split('.').reduce((number, octet) => number * 256 + Number(octet), 0)
}

export function formatIpv4(number: number): string {
  return [24, 16, 8, 0].map((shift) => (number >>> shift) & 0xff).join('.')
}

/** Reads `a.b.c.d/n` and clears the host bits, or answers undefined. */
export function parseCidr(text: string): Cidr | undefined {
  const [, address = '', length = ''] = /^([\d.]+)\/(\d|[12]\d|3[0-2])$/.exec(text) ?? []
  const number = parseIpv4(address)
  if (number === undefined) return undefined
  const prefixLength = Number(length)
  const size = 2 ** (32 - prefixLength)
  const first = number - (number % size)
  return { text: `${formatIpv4(first)}/${prefixLength}`, first, last: first + size - 1, prefixLength }
}

/** True for an address that a host of the subnet can have: neither the network's own nor the broadcast address. */
export function isHostAddress({ first, last }: Cidr, number: number): boolean {
  return number > first && number < last
}

export function overlap(left: Cidr, right: Cidr): boolean {
  return left.first <= right.last && right.first <= left.last
}

/** All host addresses but `gateway`, as at most two ranges. */
export function hostRanges({ first, last }: Cidr, gateway: number | undefined): readonly NumberRange[] {
  const [from, to] = [first + 1, last]
  if (gateway === undefined || gateway < from || gateway >= to) return [[from, to]]
  const ranges: NumberRange[] = [
    [from, gateway],
    [gateway + 1, to],
  ]
  return ranges.filter(([start, end]) => start < end)
}
