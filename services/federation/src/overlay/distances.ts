/** How far all sites are from each other, as one of them knows it: what it measured itself, and the rest by their positions. */

import type { PeerOverlay } from './peer-overlay.ts'

export interface Distances {
  /** Who says so. */
  readonly site: string
  /** This one first, then the others, the nearest first and those that cannot be reached at the end. */
  readonly sites: readonly string[]
  /** A row for each site in their order, in milliseconds; null where nothing is known. */
  readonly rttMs: readonly (readonly (number | null)[])[]
  /** The sites to which this one has measured the way; everything else is predicted. */
  readonly measured: readonly string[]
  /** More sites are known than fit. */
  readonly isPartial: boolean
}

/** A matrix of more has more numbers than anybody reads; who wants more asks for the nearest of one site. */
export const MATRIX_SITES_MAX = 256

export function distancesOf(overlay: PeerOverlay): Distances {
  const site = overlay.signatures.site
  const outward = overlay.outward()
  const near = new Set(outward.map((each) => each.site))
  const away = overlay.members.map((member) => member.site).filter((name) => !near.has(name))
  const all = [site, ...near, ...away.sort()]
  const sites = all.slice(0, MATRIX_SITES_MAX)
  const own = new Map(outward.map((each) => [each.site, each]))
  const between = (from: string, to: string): number | null => {
    if (from === to) return 0
    const ownMs = own.get(from === site ? to : from)?.rttMs
    const isOwn = from === site || to === site
    const rttMs = (isOwn ? ownMs : undefined) ?? overlay.predictedMs(from, to)
    return rttMs === undefined ? null : Math.round(rttMs * 100) / 100
  }
  return {
    site,
    sites,
    rttMs: sites.map((from) => sites.map((to) => between(from, to))),
    measured: sites.filter((name) => own.get(name)?.isMeasured),
    isPartial: all.length > sites.length,
  }
}
