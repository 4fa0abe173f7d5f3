/**
 * All keys of a store lie in one sorted set, each behind four bytes that stand for its space: a script then touches only keys
 * of Redis that it has declared, which a cluster asks for, and no message repeats the names of spaces. The bytes are a
 * function of the name, so that no client can ever mean another space by them, whatever a store was rewound to.
 */

import { crc32 } from 'node:zlib'
import { assert } from '@atoll/kit'
import type { ByteString, Space, SpaceKey } from '../key-value/key-value-store.ts'

export const PREFIX_LENGTH = 4

export class SpacePrefixes {
  readonly #prefixOf = new Map<Space, ByteString>()
  readonly #spaceOf = new Map<ByteString, Space>()

  /** @throws AssertionFailed when two spaces share their four bytes: one of them must be renamed */
  prefixOf(space: Space): ByteString {
    const known = this.#prefixOf.get(space)
    if (known !== undefined) return known
    const prefix = fourBytes(crc32(space))
    this.learn(prefix, space)
    return prefix
  }

  member({ space, key }: SpaceKey): ByteString {
    return this.prefixOf(space) + key
  }

  /** Undefined when this client has never heard of the space. */
  spaceOf(member: ByteString): Space | undefined {
    return this.#spaceOf.get(member.slice(0, PREFIX_LENGTH))
  }

  learn(prefix: ByteString, space: Space): void {
    const taken = this.#spaceOf.get(prefix)
    assert(taken === undefined || taken === space, `the spaces ${taken} and ${space} have one prefix`)
    this.#spaceOf.set(prefix, space)
    this.#prefixOf.set(space, prefix)
  }
}

/** A whole number below 2^32, big-endian. */
export function fourBytes(number: number): ByteString {
  return String.fromCharCode(number >>> 24, (number >>> 16) & 0xff, (number >>> 8) & 0xff, number & 0xff)
}
