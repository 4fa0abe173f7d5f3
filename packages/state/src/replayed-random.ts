/**
 * Chance that comes out the same when a transaction's work is run again. A store that is far away runs it once to hear what it
 * reads, and again when that is at hand: with other ids and other hosts it would read something else each time.
 */

import type { Random } from '@atoll/kit'

interface Draw {
  /** What was asked for: `bytes 16`, `below 10`. */
  readonly request: string
  readonly value: Uint8Array | number
}

export class ReplayedRandom implements Random {
  readonly #random: Random
  readonly #draws: Draw[] = []
  #next = 0

  constructor(random: Random) {
    this.#random = random
  }

  /** From here on the draws of the last run are repeated, as long as the same is asked for. */
  rewind(): void {
    this.#next = 0
  }

  bytes(length: number): Uint8Array {
    return this.#draw(`bytes ${length}`, () => this.#random.bytes(length)) as Uint8Array
  }

  below(limit: number): number {
    return this.#draw(`below ${limit}`, () => this.#random.below(limit)) as number
  }

  #draw(request: string, draw: () => Uint8Array | number): Uint8Array | number {
    const known = this.#draws[this.#next]
    if (known?.request !== request) {
      // The work has taken another way: what came after is of no use.
      this.#draws.length = this.#next
      this.#draws.push({ request, value: draw() })
    }
    return (this.#draws[this.#next++] as Draw).value
  }
}
