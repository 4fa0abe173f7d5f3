/** The order in which a workload that finds no room here is offered to other sites: near ones first, then further out. */

export interface Place {
  readonly site: string
  readonly freeRamMib: number
  /** Undefined when nothing was measured yet. */
  readonly roundTripMs: number | undefined
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
