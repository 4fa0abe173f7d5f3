/**
 * Keeps a cache within its memory: second chance (Corbató, 1968) with one hand that goes round all spaces, a run of
 * neighbouring keys at a time, so that what is known of the keys between them is given up once a run and not once a key.
 */

import type { ByteString, Space } from '../stores/key-value/key-value-store.ts'
import type { SpaceCache } from './space-cache.ts'

const RUN_KEYS = 64
/** Sweeping a little further than needed leaves room for the next answers. */
const FILLED_AFTER = 0.9

export class Eviction {
  readonly #spaces: ReadonlyMap<Space, SpaceCache>
  readonly #bytesMax: number
  #hand: { readonly space: Space; readonly key: ByteString } | undefined

  constructor(spaces: ReadonlyMap<Space, SpaceCache>, bytesMax: number) {
    this.#spaces = spaces
    this.#bytesMax = bytesMax
  }

  bytes(): number {
    let bytes = 0
    for (const space of this.#spaces.values()) bytes += space.bytes
    return bytes
  }

  /** Two rounds at most: in the second one nothing has been used since the first. */
  run(): void {
    if (this.bytes() <= this.#bytesMax) return
    const wanted = this.#bytesMax * FILLED_AFTER
    for (let laps = 0; laps < 3 && this.bytes() > wanted; ) if (this.#step()) laps++
  }

  // Whether the hand has come round.
  #step(): boolean {
    const hand = this.#hand ?? this.#first()
    if (!hand) return true
    const next = this.#spaces.get(hand.space)?.evict(hand.key, RUN_KEYS) ?? null
    this.#hand = next === null ? this.#spaceAfter(hand.space) : { space: hand.space, key: next }
    return this.#hand === undefined
  }

  #first(): { space: Space; key: ByteString } | undefined {
    for (const space of this.#spaces.keys()) return { space, key: '' }
    return undefined
  }

  #spaceAfter(before: Space): { space: Space; key: ByteString } | undefined {
    let isBehind = false
    for (const space of this.#spaces.keys()) {
      if (isBehind) return { space, key: '' }
      isBehind = space === before
    }
    return undefined
  }
}
