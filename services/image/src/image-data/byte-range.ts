/** The `Range` header (RFC 9110, section 14.2), one range of bytes at a time as in Glance. */

import { RangeInvalid } from '../errors.ts'

export interface ByteRange {
  readonly offset: number
  readonly length: number
}

/** @throws RangeInvalid */
export function readByteRange(header: string | undefined, sizeBytes: number): ByteRange | undefined {
  if (header === undefined) return undefined
  const match = /^\s*bytes\s*=\s*(\d*)\s*-\s*(\d*)\s*$/i.exec(header)
  const [, from = '', to = ''] = match ?? []
  if (!match || (from === '' && to === '')) throw RangeInvalid({})
  const offset = from === '' ? Math.max(0, sizeBytes - Number(to)) : Number(from)
  const end = from === '' || to === '' ? sizeBytes : Math.min(Number(to) + 1, sizeBytes)
  if (offset >= end) throw RangeInvalid({})
  return { offset, length: end - offset }
}
