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
  /** A site is followed closely from now on: what is known of it may be old. */
  readonly onClose: (site: string) => void
}

/** Distances change slowly, and a site that changes its class for a moment costs nothing. */
const RECONSIDER_MS = 10_000
/** Until a site that is followed closely has answered for the first time, its silence means nothing. */
const SETTLE_MS = 5000

export class CloseSites {
  readonly #options: CloseSitesOptions
  /** Since when, on the monotonic clock. */
  #nearest: ReadonlyMap<string, number> = new Map()
  #chosenMs = Number.NEGATIVE_INFINITY

  constructor(options: CloseSitesOptions) {
    this.#options = options
  }

  /** True for all sites of a small cloud, and where nobody would tell of the others. */
  has(site: string): boolean {
    const { overlay, directory, clock, max } = this.#options
    if (!overlay.isRunning || directory.others.length <= max) return true
    // Nobody is alarmed by its silence, so nobody else would tell whether it is still there.
    if (overlay.find(site)?.state === 'dormant') return true
    if (clock.monotonicMs() - this.#chosenMs >= RECONSIDER_MS) this.#choose()
    return this.#nearest.has(site)
  }

  /** Whether another site that is not followed closely, or only now, is there, by the overlay; undefined for the others. */
  isHere(site: string): boolean | undefined {
    if (site === this.#options.site) return undefined
    if (this.has(site)) {
      const sinceMs = this.#nearest.get(site)
      if (sinceMs === undefined || this.#options.clock.monotonicMs() - sinceMs > SETTLE_MS) return undefined
    }
    const state = this.#options.overlay.find(site)?.state
    return state === 'alive' || state === 'suspect'
  }

  #choose(): void {
    const { overlay, clock, max, onClose } = this.#options
    const nowMs = clock.monotonicMs()
    const before = this.#nearest
    this.#chosenMs = nowMs
    this.#nearest = new Map(overlay.nearest(max).map(({ site }) => [site, before.get(site) ?? nowMs]))
    for (const site of this.#nearest.keys()) if (!before.has(site)) onClose(site)
  }
}
