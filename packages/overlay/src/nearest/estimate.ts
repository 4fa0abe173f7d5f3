/**
 * How far a site is that was not measured: its position, put right by what was measured near it.
 *
 * Positions are wrong by some percent, but sites near each other are wrong alike: from an island, all of Europe is off by
 * the same cable. So the errors of the sites that were measured say what the error of one in between will be, the more the
 * nearer it lies to them (inverse distance weighting; kriging with a fixed kernel):
 *
 *     correction(x) = Σ w_j · log(measured_j / predicted_j) / (Σ w_j + w0),   w_j = (distance(j, x) / predicted_x + c)^-2
 *
 * And what near sites told of theirs bounds it by the triangle, which routes break now and then. Two witnesses are needed
 * to move a site away, so that one liar cannot hide a neighbour; one may point at a site, which costs a probe at most:
 *
 *     0.5 · second greatest |rtt_j - told_j(x)|  ≤  estimate  ≤  least (rtt_j + told_j(x))
 */

import { distanceMs, type Position } from '../positions/position.ts'
import type { Measured, Told } from './evidence.ts'

/** How close another site must be to speak for the error here, as a share of the way to here. */
const KERNEL = 0.05
/** The weight of no correction: that of a few sites halfway. */
const PRIOR = 3
/** No correction is greater than this factor, e^2. */
const LOG_MAX = 2
/** How far below the difference of two sides the third may be, as routes break the triangle. */
const TRUST = 0.5

/** A site that was measured, and by what its prediction was wrong. */
export interface Witness {
  readonly position: Position
  readonly logError: number
}

/** The witnesses to all estimates of this site. */
export function witnesses(
  own: Position,
  measured: Iterable<readonly [site: string, measured: Measured]>,
  positionOf: (site: string) => Position | undefined,
): readonly Witness[] {
  const found: Witness[] = []
  for (const [site, { rttMs }] of measured) {
    const position = positionOf(site)
    if (!position) continue
    const log = Math.log(rttMs / Math.max(0.01, distanceMs(own, position)))
    found.push({ position, logError: Math.max(-LOG_MAX, Math.min(LOG_MAX, log)) })
  }
  return found
}

/** The position's prediction, corrected by what the witnesses saw. */
export function corrected(own: Position, position: Position, seen: readonly Witness[]): number {
  const predictedMs = Math.max(0.01, distanceMs(own, position))
  let [sum, weights] = [0, PRIOR]
  for (const witness of seen) {
    const nearness = distanceMs(witness.position, position) / predictedMs + KERNEL
    const weight = 1 / (nearness * nearness)
    sum += weight * witness.logError
    weights += weight
  }
  return predictedMs * Math.exp(sum / weights)
}

export interface Bounds {
  leastMs: number
  secondLeastMs: number
  mostMs: number
}

/** The triangle's bounds for every site that a measured one told of. */
export function triangleBounds(
  measured: ReadonlyMap<string, Measured>,
  told: ReadonlyMap<string, Told>,
): ReadonlyMap<string, Bounds> {
  const bounds = new Map<string, Bounds>()
  for (const [witness, list] of told) {
    const rttMs = measured.get(witness)?.rttMs
    if (rttMs === undefined) continue
    for (const [site, toldMs] of list) {
      const bound = bounds.get(site) ?? { leastMs: 0, secondLeastMs: 0, mostMs: Number.POSITIVE_INFINITY }
      const gapMs = Math.abs(rttMs - toldMs)
      if (gapMs > bound.leastMs) {
        bound.secondLeastMs = bound.leastMs
        bound.leastMs = gapMs
      } else bound.secondLeastMs = Math.max(bound.secondLeastMs, gapMs)
      bound.mostMs = Math.min(bound.mostMs, rttMs + toldMs)
      bounds.set(site, bound)
    }
  }
  return bounds
}

export function within(estimateMs: number, bounds: Bounds | undefined): number {
  if (!bounds) return estimateMs
  return Math.max(TRUST * bounds.secondLeastMs, Math.min(estimateMs, bounds.mostMs))
}
