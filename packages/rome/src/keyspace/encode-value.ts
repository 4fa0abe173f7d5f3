/**
 * Order-preserving, self-delimiting encoding of values: encoded keys compare as the values do, column by column.
 *
 * ```
 * NULL    02
 * number  03, then eight bytes: the IEEE 754 double, big-endian, its sign bit turned; all bits turned when negative
 * text    04, then UTF-8 with 00 as 01 01 and 01 as 01 02, then 00
 * bytes   05, then likewise
 * ```
 *
 * A byte after a whole value is at most 05, so that `prefix + '\xff'` lies behind every key that continues `prefix`.
 */

import type { ByteString } from '../stores/key-value/key-value-store.ts'
import { plain, type Value } from '../values/value.ts'

/** Lies behind every key that continues the string before it. */
export const BEHIND = '\xff'
/** The first byte of every value but NULL lies behind it. */
export const AFTER_NULL = '\x03'

const view = new DataView(new ArrayBuffer(8))

/** Eight bytes that compare as the numbers do. -0 is 0. */
export function encodeNumber(number: number): ByteString {
  view.setFloat64(0, number === 0 ? 0 : number)
  const isNegative = view.getUint8(0) >= 0x80
  const high = isNegative ? ~view.getUint32(0) : view.getUint32(0) ^ 0x80000000
  const low = isNegative ? ~view.getUint32(4) : view.getUint32(4)
  return String.fromCharCode(
    high >>> 24,
    (high >>> 16) & 0xff,
    (high >>> 8) & 0xff,
    high & 0xff,
    low >>> 24,
    (low >>> 16) & 0xff,
    (low >>> 8) & 0xff,
    low & 0xff,
  )
}

export function encodeValue(value: Value): ByteString {
  if (typeof value === 'string') return `\x04${escaped(utf8(value))}\x00`
  if (value === null) return '\x02'
  if (typeof value === 'number') return `\x03${encodeNumber(value)}`
  if (value instanceof Uint8Array) return `\x05${escaped(bytesOf(value))}\x00`
  return encodeValue(plain(value))
}

/** The key of several values, in their order. */
export function encodeKey(values: readonly Value[]): ByteString {
  let key = ''
  for (const value of values) key += encodeValue(value)
  return key
}

/** Bytes as a string of one unit each. */
export function bytesOf(bytes: Uint8Array): ByteString {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}

function utf8(text: string): ByteString {
  return isAscii.test(text) ? text : Buffer.from(text, 'utf8').toString('latin1')
}

const isAscii = /^\p{ASCII}*$/u
function escaped(bytes: ByteString): ByteString {
  if (!bytes.includes('\x00') && !bytes.includes('\x01')) return bytes
  return bytes.replaceAll('\x01', '\x01\x02').replaceAll('\x00', '\x01\x01')
}
