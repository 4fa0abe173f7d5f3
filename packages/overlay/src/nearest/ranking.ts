/** All sites in order of distance, by everything that is known: pure, as one look at the world. */

import { distanceMs, type Position } from '../positions/position.ts'
import { corrected, triangleBounds, within, witnesses } from './estimate.ts'
import type { Evidence } from './evidence.ts'
import type { NearSite } from './nearest-sites.ts'

export interface RankingOptions {
  readonly own: Position
  readonly known: Iterable<readonly [site: string, position: Position]>
  readonly positionOf: (site: string) => Position | undefined
  readonly evidence: Evidence
  /** So many of those that were not measured are looked at closely. */
  readonly candidatesMax: number
  /** What was measured before this time is only a prediction. */
  readonly freshFromMs: number
}

/** Nearest first; sites at one distance in order of name, so that equal knowledge gives equal orders. */
export function rankSites(options: RankingOptions): readonly NearSite[] {
  const { own, known, positionOf, evidence, candidatesMax, freshFromMs } = options
  const { measured, told } = evidence
  const ranking: NearSite[] = []
  for (const [site, { rttMs, atMs }] of measured)
    ranking.push({ site, rttMs, isMeasured: atMs >= freshFromMs })
  const bounds = triangleBounds(measured, told)
  const rough: { site: string; position: Position; roughMs: number }[] = []
  for (const [site, position] of known) {
    if (measured.has(site)) continue
    rough.push({ site, position, roughMs: within(distanceMs(own, position), bounds.get(site)) })
  }
  rough.sort((left, right) => left.roughMs - right.roughMs)
  const seen = witnesses(own, measured, positionOf)
  for (const [index, { site, position, roughMs }] of rough.entries()) {
    const rttMs = index < candidatesMax ? within(corrected(own, position, seen), bounds.get(site)) : roughMs
    ranking.push({ site, rttMs, isMeasured: false })
  }
  return ranking.sort((left, right) => left.rttMs - right.rttMs || (left.site < right.site ? -1 : 1))
}
