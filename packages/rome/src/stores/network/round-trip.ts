/** How long to wait for an answer of a store: computed from the answers before (RFC 6298), within bounds. */

import type { Clock } from '@atoll/kit'

/** An answer includes the store's work and its disk, which vary more than the network: so many times what RFC 6298 waits. */
const PATIENCE = 8

const LAST_TURN_MS = 1

export interface RoundTripOptions {
  /** Before anything was measured. */
  readonly firstMs: number
  readonly leastMs: number
  readonly mostMs: number
}

export const ROUND_TRIP: RoundTripOptions = { firstMs: 3000, leastMs: 1000, mostMs: 10_000 }

export class RoundTrip {
  readonly #options: RoundTripOptions
  #smoothedMs: number | undefined
  #variationMs = 0
  #doublings = 0

  constructor(options: RoundTripOptions = ROUND_TRIP) {
    this.#options = options
  }

  /** Section 2 of RFC 6298: alpha = 1/8, beta = 1/4. */
  measured(roundTripMs: number): void {
    this.#doublings = 0
    if (this.#smoothedMs === undefined) {
      this.#smoothedMs = roundTripMs
      this.#variationMs = roundTripMs / 2
      return
    }
    this.#variationMs += (Math.abs(this.#smoothedMs - roundTripMs) - this.#variationMs) / 4
    this.#smoothedMs += (roundTripMs - this.#smoothedMs) / 8
  }

  /** Section 5.5: what was too short is doubled until something is measured again. */
  expired(): void {
    this.#doublings++
  }

  get timeoutMs(): number {
    const { firstMs, leastMs, mostMs } = this.#options
    const waitMs =
      this.#smoothedMs === undefined ? firstMs : PATIENCE * (this.#smoothedMs + 4 * this.#variationMs)
    return Math.min(mostMs, Math.max(leastMs, waitMs) * 2 ** Math.min(this.#doublings, 16))
  }
}

/**
 * Settles as `work` does, or rejects with what `expired` makes when that takes longer than `timeoutMs`. A process that was busy
 * for so long itself has not read its answers yet: they get a last turn.
 */
export function within<Result>(
  { clock, timeoutMs, expired }: { clock: Clock; timeoutMs: number; expired: () => Error },
  work: Promise<Result>,
): Promise<Result> {
  return new Promise((resolve, reject) => {
    let cancel = clock.after(timeoutMs, () => {
      cancel = clock.after(LAST_TURN_MS, () => reject(expired()))
    })
    work.finally(() => cancel()).then(resolve, reject)
  })
}
