/**
 * The part of MessagePack that Redis' Lua speaks (`cmsgpack`), with strings that are bytes: what a general codec would take
 * for UTF-8 are keys and rows here. See https://github.com/msgpack/msgpack/blob/master/spec.md.
 */

import { assert } from '@atoll/kit'
import type { ByteString } from '../key-value/key-value-store.ts'

const FIRST_BYTES = 512

/** Appends values to a buffer that grows. Arrays are written as their length, then their elements. */
export class MessageWriter {
  #buffer = Buffer.allocUnsafe(FIRST_BYTES)
  #length = 0

  get length(): number {
    return this.#length
  }

  none(): void {
    this.#byte(0xc2)
  }

  boolean(value: boolean): void {
    this.#byte(value ? 0xc3 : 0xc2)
  }

  /** A whole number from 0 to 2^53. */
  number(value: number): void {
    if (value < 0x80) this.#byte(value)
    else if (value <= 0xffff) {
      this.#reserve(3)
      this.#buffer[this.#length] = 0xcd
      this.#buffer.writeUInt16BE(value, this.#length + 1)
      this.#length += 3
    } else if (value <= 0xffffffff) this.#head32(0xce, value)
    else {
      this.#reserve(9)
      this.#buffer[this.#length] = 0xcb
      this.#buffer.writeDoubleBE(value, this.#length + 1)
      this.#length += 9
    }
  }

  bytes(value: ByteString): void {
    this.#stringHead(value.length)
    this.raw(value)
  }

  /** In UTF-8. */
  text(value: string): void {
    this.bytes(Buffer.from(value).toString('latin1'))
  }

  array(length: number): void {
    if (length < 16) this.#byte(0x90 | length)
    else if (length <= 0xffff) {
      this.#reserve(3)
      this.#buffer[this.#length] = 0xdc
      this.#buffer.writeUInt16BE(length, this.#length + 1)
      this.#length += 3
    } else this.#head32(0xdd, length)
  }

  /** Bytes as they are, without a head: parts of a message that was written elsewhere. */
  raw(value: ByteString): void {
    this.#reserve(value.length)
    this.#buffer.write(value, this.#length, 'latin1')
    this.#length += value.length
  }

  buffer(value: Buffer): void {
    this.#reserve(value.length)
    value.copy(this.#buffer, this.#length)
    this.#length += value.length
  }

  /** A string whose bytes come from `raw` and `buffer`. */
  bytesHead(length: number): void {
    this.#stringHead(length)
  }

  /** What was written so far; the writer must not be used any more. */
  finish(): Buffer {
    return this.#buffer.subarray(0, this.#length)
  }

  #stringHead(length: number): void {
    if (length < 32) this.#byte(0xa0 | length)
    else if (length <= 0xff) {
      this.#byte(0xd9)
      this.#byte(length)
    } else if (length <= 0xffff) {
      this.#reserve(3)
      this.#buffer[this.#length] = 0xda
      this.#buffer.writeUInt16BE(length, this.#length + 1)
      this.#length += 3
    } else this.#head32(0xdb, length)
  }

  #head32(head: number, value: number): void {
    this.#reserve(5)
    this.#buffer[this.#length] = head
    this.#buffer.writeUInt32BE(value, this.#length + 1)
    this.#length += 5
  }

  #byte(value: number): void {
    this.#reserve(1)
    this.#buffer[this.#length++] = value
  }

  #reserve(length: number): void {
    const needed = this.#length + length
    if (needed <= this.#buffer.length) return
    const larger = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2))
    this.#buffer.copy(larger, 0, 0, this.#length)
    this.#buffer = larger
  }
}

/** Reads what `cmsgpack` has written, value by value; whoever reads knows what comes. */
export class MessageReader {
  readonly #buffer: Buffer
  #offset = 0

  constructor(buffer: Buffer) {
    this.#buffer = buffer
  }

  /** True, and passes over it, when the next value is false or nil, which is how absence is written. */
  isNone(): boolean {
    const head = this.#buffer[this.#offset]
    if (head !== 0xc2 && head !== 0xc0) return false
    this.#offset++
    return true
  }

  boolean(): boolean {
    const head = this.#head()
    assert(head === 0xc2 || head === 0xc3, 'a boolean of MessagePack')
    return head === 0xc3
  }

  number(): number {
    const head = this.#head()
    if (head < 0x80) return head
    const at = this.#offset
    const read = NUMBERS[head]
    assert(read, 'a number of MessagePack')
    this.#offset += read.size
    return read.from(this.#buffer, at)
  }

  bytes(): ByteString {
    const length = this.#stringLength()
    this.#offset += length
    return this.#buffer.toString('latin1', this.#offset - length, this.#offset)
  }

  text(): string {
    const length = this.#stringLength()
    this.#offset += length
    return this.#buffer.toString('utf8', this.#offset - length, this.#offset)
  }

  /** A string as a view of this message. */
  view(): Buffer {
    const length = this.#stringLength()
    this.#offset += length
    return this.#buffer.subarray(this.#offset - length, this.#offset)
  }

  /** How many elements follow. An empty table of Lua may have been written as a map. */
  array(): number {
    const head = this.#head()
    if ((head & 0xf0) === 0x90) return head & 0x0f
    if (head === 0x80) return 0
    const at = this.#offset
    if (head === 0xdc) {
      this.#offset += 2
      return this.#buffer.readUInt16BE(at)
    }
    assert(head === 0xdd, 'an array of MessagePack')
    this.#offset += 4
    return this.#buffer.readUInt32BE(at)
  }

  list<Element>(element: (reader: MessageReader) => Element): Element[] {
    return Array.from({ length: this.array() }, () => element(this))
  }

  #stringLength(): number {
    const head = this.#head()
    if ((head & 0xe0) === 0xa0) return head & 0x1f
    const at = this.#offset
    if (head === 0xd9) {
      this.#offset += 1
      return this.#buffer.readUInt8(at)
    }
    if (head === 0xda) {
      this.#offset += 2
      return this.#buffer.readUInt16BE(at)
    }
    assert(head === 0xdb, 'a string of MessagePack')
    this.#offset += 4
    return this.#buffer.readUInt32BE(at)
  }

  #head(): number {
    return this.#buffer.readUInt8(this.#offset++)
  }
}

type NumberFormat = { readonly size: number; readonly from: (buffer: Buffer, at: number) => number }

/** By the first byte of the format. */
const NUMBERS: Readonly<Record<number, NumberFormat>> = {
  202: { size: 4, from: (buffer, at) => buffer.readFloatBE(at) },
  203: { size: 8, from: (buffer, at) => buffer.readDoubleBE(at) },
  204: { size: 1, from: (buffer, at) => buffer.readUInt8(at) },
  205: { size: 2, from: (buffer, at) => buffer.readUInt16BE(at) },
  206: { size: 4, from: (buffer, at) => buffer.readUInt32BE(at) },
  207: { size: 8, from: (buffer, at) => Number(buffer.readBigUInt64BE(at)) },
  208: { size: 1, from: (buffer, at) => buffer.readInt8(at) },
  209: { size: 2, from: (buffer, at) => buffer.readInt16BE(at) },
  210: { size: 4, from: (buffer, at) => buffer.readInt32BE(at) },
  211: { size: 8, from: (buffer, at) => Number(buffer.readBigInt64BE(at)) },
}
