/**
 * Which sites stand ready to take over what a site keeps, if it is lost. Sites that know the same of each other name the same ones; it
 * does no harm when they differ, as the heir is named once, by the site where a retirement is written.
 */

import { chooseGuardians, defaultGuardianSettings, type GuardianChoice } from '@atoll/overlay'
import type { Directory } from './directory.ts'

/** One may be lost in the same disaster, and one be away. */
const GUARDIANS = 3

/** The round trip between two sites, as it is predicted by their positions; undefined where nothing is known. */
export type BetweenMs = (site: string, other: string) => number | undefined

export function guardiansOf(
  site: string,
  { directory, betweenMs }: { directory: Directory; betweenMs: BetweenMs },
): GuardianChoice {
  const members = directory.all.filter(({ name, standing }) => name !== site && standing === 'member')
  return chooseGuardians({
    home: site,
    domains: directory.find(site)?.failureDomains ?? [],
    candidates: members.map(({ name, failureDomains }) => ({
      site: name,
      // Of one that was never measured nothing speaks against it: neither too near nor too far.
      rttMs: betweenMs(site, name) ?? defaultGuardianSettings.apartMsMin,
      domains: failureDomains,
    })),
    count: GUARDIANS,
    betweenMs,
  })
}
