/** The order in which a workload that finds no room here is offered to other sites: near ones first, then further out. */

import type { NearSite } from '@atoll/overlay'

export interface Place {
  readonly site: string
  readonly freeRamMib: number
  /** Undefined when nothing is known yet. */
  readonly roundTripMs: number | undefined
}

/** The round trip to a site, as far as one is known. */
export type RoundTrips = (site: string) => number | undefined

/**
 * What the overlay has measured lately, else what the connections to the sites have, else what positions predict. A peer
 * that does not run the overlay of its site knows only what its connections measured.
 */
export function roundTripsBy(
  near: readonly NearSite[],
  transport: { readonly roundTripMs: RoundTrips },
): RoundTrips {
  const bySite = new Map(near.map((each) => [each.site, each]))
  return (site) => {
    const known = bySite.get(site)
    return known?.isMeasured ? known.rttMs : (transport.roundTripMs(site) ?? known?.rttMs)
  }
}

/** Within this round trip nobody notices where a guest runs. */
const NEAREST_BAND_MS = 5

/**
 * Sites in one band of distance count as equally near, and of these the one with the most room comes first: a millisecond
 * is no reason to fill one site and leave its neighbour empty. Each band reaches twice as far as the one before it:
 *
 *     0 … 5 … 10 … 20 … 40 … 80 … 160 … ms, and those of which nothing is known
 */
export function outward(places: Iterable<Place>): readonly string[] {
  return [...places]
    .sort(
      (left, right) =>
        bandOf(left.roundTripMs) - bandOf(right.roundTripMs) ||
        right.freeRamMib - left.freeRamMib ||
        (left.site < right.site ? -1 : 1),
    )
    .map(({ site }) => site)
}

/** A large finite number stands for the unknown: the difference of two infinities is none. */
function bandOf(roundTripMs: number | undefined): number {
  if (roundTripMs === undefined) return Number.MAX_SAFE_INTEGER
  return roundTripMs <= NEAREST_BAND_MS ? 0 : Math.ceil(Math.log2(roundTripMs / NEAREST_BAND_MS))
}
