/** A small matrix for many sites: several of them lie in each of its places, a fraction of a millisecond apart. */

import type { RttMatrix } from '../rtt/rtt-matrix.ts'

const SAME_PLACE_MS = 0.5

/** What was not measured takes as long as the median of the rest. */
export function spreadMatrix(matrix: RttMatrix, size: number): RttMatrix {
  const places = matrix.size
  const measured: number[] = []
  const table = new Float64Array(places * places)
  for (let from = 0; from < places; from++) {
    for (let to = 0; to < places; to++) {
      const rttMs = matrix.rttMs(from, to)
      table[from * places + to] = rttMs
      if (from !== to && rttMs > 0) measured.push(rttMs)
    }
  }
  const medianMs = measured.toSorted((left, right) => left - right)[measured.length >> 1] ?? SAME_PLACE_MS
  for (let place = 0; place < table.length; place++)
    if (!((table[place] ?? 0) > 0)) table[place] = place % (places + 1) === 0 ? SAME_PLACE_MS : medianMs
  return {
    size,
    rttMs: (from, to) => (from === to ? 0 : (table[(from % places) * places + (to % places)] ?? medianMs)),
  }
}
