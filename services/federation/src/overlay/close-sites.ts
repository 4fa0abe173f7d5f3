/** Which sites' feeds are followed closely, asked again as soon as they have answered: the nearest, as many as may be. */

import type { Clock } from '@atoll/kit'
import type { Directory } from '../directory.ts'
import type { PeerOverlay } from './peer-overlay.ts'

export interface CloseSitesOptions {
  /** This one. */
  readonly site: string
  readonly overlay: PeerOverlay
  readonly directory: Directory
  readonly clock: Clock
  readonly max: number
}

/** Distances change slowly, and a site that changes its class for a moment costs nothing. */
const RECONSIDER_MS = 10_000

export class CloseSites {
  readonly #options: CloseSitesOptions
  #nearest: ReadonlySet<string> = new Set()
  #chosenMs = Number.NEGATIVE_INFINITY

  constructor(options: CloseSitesOptions) {
    this.#options = options
  }

  /** True for all sites of a small cloud, and where nobody would tell of the others. */
  has(site: string): boolean {
    const { overlay, directory, clock, max } = this.#options
    if (!overlay.isRunning || directory.others.length <= max) return true
    const nowMs = clock.monotonicMs()
    if (nowMs - this.#chosenMs >= RECONSIDER_MS) {
      this.#chosenMs = nowMs
      this.#nearest = new Set(overlay.nearest(max).map((near) => near.site))
    }
    return this.#nearest.has(site)
  }

  /** Whether another site that is not followed closely is there, by the overlay; undefined for one that is. */
  isHere(site: string): boolean | undefined {
    if (site === this.#options.site || this.has(site)) return undefined
    const state = this.#options.overlay.find(site)?.state
    return state === 'alive' || state === 'suspect'
  }
}
