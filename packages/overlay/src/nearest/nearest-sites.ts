/** Which sites are near, as services ask it. */

export interface NearSite {
  readonly site: string
  /** The round trip from the site in question. */
  readonly rttMs: number
  /** True when the site in question measured it and it is not old; otherwise it is predicted. */
  readonly isMeasured: boolean
}

export interface NearestSites {
  /** At most `k` other sites, nearest first: measured ones, and predicted ones only where there are not enough. */
  nearest(k: number): readonly NearSite[]
  /** All sites that are known, measured and predicted together, nearest first: the way in which a workload looks for room. */
  outward(): readonly NearSite[]
  /** At most `k` sites that are near to another site, by what that site told and by prediction. */
  nearestTo(site: string, k: number): readonly NearSite[]
}
