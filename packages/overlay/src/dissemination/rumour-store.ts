/**
 * The newest rumour of each subject, and a digest of them that two sites can compare in 64 numbers: for each bucket the
 * exclusive or of the hashes of what lies in it (as the leaves of a Merkle tree of two levels).
 */

import type { Rumour } from './rumour.ts'

export const BUCKETS = 64

/** What a site tells of a rumour without its body. */
export type RumourMark = readonly [topic: string, subject: string, number: number]

export class RumourStore {
  readonly digest = new Int32Array(BUCKETS)
  readonly #topics = new Map<string, Map<string, Rumour>>()
  readonly #buckets: Set<Rumour>[] = Array.from({ length: BUCKETS }, () => new Set())

  find(topic: string, subject: string): Rumour | undefined {
    return this.#topics.get(topic)?.get(subject)
  }

  count(topic: string): number {
    return this.#topics.get(topic)?.size ?? 0
  }

  delete(topic: string, subject: string): void {
    const old = this.find(topic, subject)
    if (!old) return
    const bucket = bucketOf(old)
    this.#topics.get(topic)?.delete(subject)
    this.#buckets[bucket]?.delete(old)
    this.digest[bucket] = (this.digest[bucket] ?? 0) ^ hashOf(old)
  }

  /** Callers have checked that it is newer. */
  put(rumour: Rumour): void {
    let topic = this.#topics.get(rumour.topic)
    if (!topic) {
      topic = new Map()
      this.#topics.set(rumour.topic, topic)
    }
    const bucket = bucketOf(rumour)
    const old = topic.get(rumour.subject)
    if (old) {
      this.#buckets[bucket]?.delete(old)
      this.digest[bucket] = (this.digest[bucket] ?? 0) ^ hashOf(old)
    }
    topic.set(rumour.subject, rumour)
    this.#buckets[bucket]?.add(rumour)
    this.digest[bucket] = (this.digest[bucket] ?? 0) ^ hashOf(rumour)
  }

  /** All that lies in one bucket. */
  inBucket(bucket: number): Iterable<Rumour> {
    return this.#buckets[bucket] ?? []
  }
}

function bucketOf({ topic, subject }: Rumour): number {
  return (textHash(subject, textHash(topic, 0x811c9dc5)) >>> 0) % BUCKETS
}

function hashOf({ topic, subject, number }: Rumour): number {
  const hash = textHash(subject, textHash(topic, 0x2545f491))
  const mixed = Math.imul(hash ^ (number | 0), 0x9e3779b1) ^ Math.floor(number / 0x1_0000_0000)
  return Math.imul(mixed ^ (mixed >>> 15), 0x85ebca6b)
}

function textHash(text: string, start: number): number {
  let hash = start
  for (let index = 0; index < text.length; index++)
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193)
  return hash ^ (hash >>> 13)
}
