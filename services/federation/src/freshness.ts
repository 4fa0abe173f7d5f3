/** How old what we know of each site is, and whether it can be reached: from the feed's own contacts. */

import type { Clock } from '@atoll/kit'

/** A follower asks again at least this often, so that silence means something. */
export const CONTACT_INTERVAL_MS = 1000

export interface FreshnessOptions {
  readonly clock: Clock
  readonly siteName: string
  /** The smoothed round trip to a site, if one was measured. */
  readonly roundTripMs: (site: string) => number | undefined
  /**
   * Whether a site that is asked seldom is there, as others see it; undefined for one that is asked all the time, whose
   * silence speaks for itself.
   */
  readonly isHere?: (site: string) => boolean | undefined
}

export class Freshness {
  readonly #options: FreshnessOptions
  readonly #contacts = new Map<string, number>()
  readonly #startedMs: number

  constructor(options: FreshnessOptions) {
    this.#options = options
    this.#startedMs = options.clock.monotonicMs()
  }

  /** The replicas of `site` now hold what it had at `askedMs`, on the monotonic clock: before it answered. */
  heard(site: string, askedMs: number): void {
    this.#contacts.set(site, Math.max(askedMs, this.#contacts.get(site) ?? askedMs))
  }

  /** Milliseconds by which the replicas of `site` may lag; 0 for this site, Infinity for one never heard of. */
  ageMs(site: string): number {
    if (site === this.#options.siteName) return 0
    const contact = this.#contacts.get(site)
    return contact === undefined ? Number.POSITIVE_INFINITY : this.#options.clock.monotonicMs() - contact
  }

  /**
   * False when a site has been silent for two intervals and four round trips: one contact may be lost or late by
   * its whole time-out without the servers of a healthy site showing as UNKNOWN.
   */
  isReachable(site: string): boolean {
    const ageMs = this.ageMs(site)
    const isHere = this.#options.isHere?.(site)
    // What was kept of the overlay over a restart says nothing yet: this peer must have heard of the site itself.
    return isHere === undefined ? ageMs <= this.#patienceMs(site) : isHere && Number.isFinite(ageMs)
  }

  /**
   * True when a site has been silent for so long, since this peer began if it was never heard of, that asking it is
   * not worth the wait.
   */
  isSilent(site: string): boolean {
    const isHere = this.#options.isHere?.(site)
    if (isHere === false) return true
    if (isHere && Number.isFinite(this.ageMs(site))) return false
    const runningMs = this.#options.clock.monotonicMs() - this.#startedMs
    return Math.min(this.ageMs(site), runningMs) > this.#patienceMs(site)
  }

  /** `east=0, west=1.2, north=unknown`: ages in seconds, for the header that goes with every read. */
  describe(sites: readonly string[]): string {
    return sites.map((site) => `${site}=${formatAge(this.ageMs(site))}`).join(', ')
  }

  #patienceMs(site: string): number {
    return 2 * CONTACT_INTERVAL_MS + 500 + 4 * (this.#options.roundTripMs(site) ?? 0)
  }
}

function formatAge(ageMs: number): string {
  if (ageMs === 0) return '0'
  return Number.isFinite(ageMs) ? (ageMs / 1000).toFixed(1) : 'unknown'
}
