/** Randomness as a parameter: production draws from the kernel, the simulator from a seed. */

import { randomFillSync, randomInt } from 'node:crypto'

export interface Random {
  /** `length` random bytes. */
  bytes(length: number): Uint8Array
  /** A whole number in `[0, limit)`; `limit` is at least 1 and at most 2^32. */
  below(limit: number): number
}

/** The kernel's generator, fit for secrets. */
export const systemRandom: Random = Object.freeze({
  bytes: kernelBytes,
  below: (limit: number) => randomInt(limit),
})

/**
 * A generator that replays: sfc32 (Chris Doty-Humphrey, PractRand), seeded by splitmix32. Not for secrets.
 *
 * @param seed any text or number; equal seeds give equal streams
 */
export function seededRandom(seed: number | string): Random {
  const next = sfc32(typeof seed === 'number' ? seed : hash32(seed))
  return Object.freeze({
    bytes: (length: number) => {
      const bytes = new Uint8Array(length)
      for (let index = 0; index < length; index++) bytes[index] = next() >>> 24
      return bytes
    },
    // Multiply-shift keeps the bias below limit / 2^32 (Lemire, 2019), without a loop of unknown length.
    below: (limit: number) => Math.floor((next() / 0x1_0000_0000) * limit),
  })
}

/** A number in `[0, 1)` with 32 bits. */
export function fraction(random: Random): number {
  return random.below(0x1_0000_0000) / 0x1_0000_0000
}

/** One element of a list that is not empty. */
export function pick<T>(random: Random, items: readonly T[]): T {
  const item = items[random.below(items.length)]
  if (item === undefined) throw new RangeError('pick from an empty list')
  return item
}

/** One call for many: an id takes 16 bytes, and the call costs more than its bytes. */
const pool = new Uint8Array(4096)
let poolUsed = pool.length

function kernelBytes(length: number): Uint8Array {
  if (length > pool.length) return randomFillSync(new Uint8Array(length))
  if (poolUsed + length > pool.length) {
    randomFillSync(pool)
    poolUsed = 0
  }
  const bytes = pool.slice(poolUsed, poolUsed + length)
  // What was handed out is a secret of its owner.
  pool.fill(0, poolUsed, poolUsed + length)
  poolUsed += length
  return bytes
}

function sfc32(seed: number): () => number {
  let state = seed >>> 0
  const splitmix32 = () => {
    state = (state + 0x9e3779b9) | 0
    let mixed = state ^ (state >>> 16)
    mixed = Math.imul(mixed, 0x21f0aaad)
    mixed ^= mixed >>> 15
    mixed = Math.imul(mixed, 0x735a2d97)
    return mixed ^ (mixed >>> 15)
  }
  let [a, b, c, counter] = [splitmix32(), splitmix32(), splitmix32(), 1]
  return () => {
    const sum = (((a + b) | 0) + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = ((c << 21) | (c >>> 11)) + sum
    return sum >>> 0
  }
}

function hash32(text: string): number {
  let hash = 0x811c9dc5
  for (const character of text) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193)
  return hash
}
