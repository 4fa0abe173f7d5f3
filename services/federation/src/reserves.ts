/** Keeps a little of every share at hand, for the day that its lender cannot be reached: what is spent is borrowed anew in time. */

import type { Clock } from '@atoll/kit'
import { amountsAtHand, type State } from '@atoll/state'
import type { Borrower } from './borrowing.ts'

export interface WantedShare {
  readonly resource: string
  readonly wanted: number
}

export interface ReservesOptions {
  readonly state: State
  readonly clock: Clock
  readonly borrower: Pick<Borrower, 'borrowInAdvance'>
  /** Shares worth having before they are needed. */
  readonly wantedShares: () => Promise<readonly WantedShare[]>
}

/** A lender that has nothing to spare is asked again after this, and then after twice as long, up to the second. */
const PAUSE_MS = 5000
const PAUSE_MS_MAX = 60_000

interface Refusal {
  readonly againMs: number
  readonly pauseMs: number
}

export class Reserves {
  readonly #options: ReservesOptions
  readonly #refusals = new Map<string, Refusal>()

  constructor(options: ReservesOptions) {
    this.#options = options
  }

  /** One pass: asks for what is below what is wanted. */
  async keep(): Promise<void> {
    const { state, clock, borrower, wantedShares } = this.#options
    const lacking = await state.session(async () => {
      const wanted = await wantedShares()
      const resources = wanted.map(({ resource }) => resource)
      const atHand = await amountsAtHand(state, { site: state.site.name, resources })
      return wanted.filter(({ resource, wanted }) => (atHand.get(resource) ?? 0) < wanted)
    })
    const names = new Set(lacking.map(({ resource }) => resource))
    for (const resource of this.#refusals.keys()) if (!names.has(resource)) this.#refusals.delete(resource)
    for (const { resource, wanted } of lacking) {
      const nowMs = clock.monotonicMs()
      const refusal = this.#refusals.get(resource)
      if (refusal && refusal.againMs > nowMs) continue
      if (await borrower.borrowInAdvance(resource, wanted)) this.#refusals.delete(resource)
      else this.#refuse(resource, refusal)
    }
  }

  #refuse(resource: string, before: Refusal | undefined): void {
    const pauseMs = Math.min(PAUSE_MS_MAX, 2 * (before?.pauseMs ?? PAUSE_MS / 2))
    this.#refusals.set(resource, { pauseMs, againMs: this.#options.clock.monotonicMs() + pauseMs })
  }
}
