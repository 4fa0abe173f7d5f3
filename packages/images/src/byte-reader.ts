/** Reads numbers out of bytes that nobody vouches for: never outside of them, never a number that is not exact. */

import { ImageUnsafe } from './errors.ts'

export class ByteReader {
  readonly bytes: Buffer

  constructor(bytes: Uint8Array) {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  get length(): number {
    return this.bytes.length
  }

  /** True when `text` (latin1) stands at `offset`; false when the bytes end before. */
  hasText(offset: number, text: string): boolean {
    return this.bytes.toString('latin1', offset, offset + text.length) === text
  }

  /** @throws ImageUnsafe when the bytes end before `offset + length` */
  slice(offset: number, length: number): Buffer {
    if (offset + length > this.length) {
      throw ImageUnsafe({ check: 'header', reason: `Image ends at byte ${this.length} of its header` })
    }
    return this.bytes.subarray(offset, offset + length)
  }

  u16be(offset: number): number {
    return this.slice(offset, 2).readUInt16BE()
  }

  u32be(offset: number): number {
    return this.slice(offset, 4).readUInt32BE()
  }

  u32le(offset: number): number {
    return this.slice(offset, 4).readUInt32LE()
  }

  /** Infinity for what a number cannot hold exactly, so that every limit refuses it. */
  u64be(offset: number): number {
    return exactOrInfinite(this.slice(offset, 8).readBigUInt64BE())
  }

  u64le(offset: number): number {
    return exactOrInfinite(this.slice(offset, 8).readBigUInt64LE())
  }
}

function exactOrInfinite(value: bigint): number {
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : Number.POSITIVE_INFINITY
}
