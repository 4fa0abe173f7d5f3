/** The little arithmetic on IPv4 addresses that wiring needs. */

import { isIPv4 } from 'node:net'

export interface Cidr {
  readonly network: string
  readonly prefixLength: number
  readonly netmask: string
}

/** Reads `a.b.c.d/n`, or returns undefined when it is none or has bits set beyond the prefix. */
export function parseCidr(text: string): Cidr | undefined {
  const [network = '', length = ''] = text.split('/')
  if (!isIPv4(network) || !/^(\d|[12]\d|3[0-2])$/.test(length) || text !== `${network}/${length}`)
    return undefined
  const prefixLength = Number(length)
  const mask = prefixLength === 0 ? 0 : (~0 << (32 - prefixLength)) >>> 0
  if ((toNumber(network) & ~mask) !== 0) return undefined
  return { network, prefixLength, netmask: fromNumber(mask) }
}

/** True when `ipAddress` is in the range of `cidr`. */
export function contains(cidr: Cidr, ipAddress: string): boolean {
  const mask = toNumber(cidr.netmask)
  return ((toNumber(ipAddress) ^ toNumber(cidr.network)) & mask) === 0
}

// Character by character: every port of a network comes by here each time that the network is stated.
function toNumber(ipAddress: string): number {
  let [value, byte] = [0, 0]
  for (let index = 0; index < ipAddress.length; index++) {
    const code = ipAddress.charCodeAt(index)
    if (code === DOT) {
      value = value * 256 + byte
      byte = 0
    } else byte = byte * 10 + (code - ZERO)
  }
  return value * 256 + byte
}

const DOT = '.'.charCodeAt(0)
const ZERO = '0'.charCodeAt(0)

function fromNumber(value: number): string {
  return [24, 16, 8, 0].map((shift) => (value >>> shift) & 0xff).join('.')
}
