/**
 * Which other sites hold a copy of a site's feed: far enough apart that one fault takes no two of them, near enough that a
 * copy is never far behind. Of the sites that are both, those that follow the home along the ring: everybody computes the
 * same ones, each site guards about as many as any other, and one that comes or goes changes the guardians of few.
 */

import { alongRing, siteKey } from './ring-key.ts'

export interface GuardianCandidate {
  readonly site: string
  /** From the home. */
  readonly rttMs: number
  /** What fails as one: `grid:north`, `provider:acme`, `coast:west`. Sites that share a label are not apart. */
  readonly domains: readonly string[]
}

export interface GuardianOptions {
  readonly home: string
  /** Labels of the home. */
  readonly domains: readonly string[]
  readonly candidates: readonly GuardianCandidate[]
  /** How many guardians there shall be. */
  readonly count: number
  /** The round trip between two candidates, measured or predicted; undefined when nothing is known. */
  readonly betweenMs: (site: string, other: string) => number | undefined
  readonly settings?: Partial<GuardianSettings>
}

export interface GuardianSettings {
  /**
   * Sites closer than this are one place: a building or a town with its power and its cables. Light takes 2 ms there and
   * back over 200 km.
   */
  readonly apartMsMin: number
  /** A guardian is no further from the home than this, if there are enough such. */
  readonly nearMsMax: number
}

export const defaultGuardianSettings: GuardianSettings = Object.freeze({ apartMsMin: 2, nearMsMax: 60 })

export interface GuardianChoice {
  /** In the order in which they shall take over. Fewer than asked for when there are no more sites. */
  readonly guardians: readonly string[]
  /** What had to be given up to find enough, the least first; empty when all is as it should be. */
  readonly compromises: readonly GuardianCompromise[]
}

/** Guardians are further away than wished, share a label, or stand in one place. */
export type GuardianCompromise = 'far' | 'shared_domain' | 'one_place'

/** From the best to what is better than no guardian. */
const TERMS: readonly (readonly GuardianCompromise[])[] = [
  [],
  ['far'],
  ['far', 'shared_domain'],
  ['far', 'shared_domain', 'one_place'],
]

export function chooseGuardians(options: GuardianOptions): GuardianChoice {
  const order = alongRing(siteKey(options.home))
  const candidates = options.candidates
    .filter(({ site }) => site !== options.home)
    .map((candidate) => ({ ...candidate, key: siteKey(candidate.site) }))
    .sort((left, right) => order(left.key, right.key))
  const chosen: GuardianCandidate[] = []
  const given = new Set<GuardianCompromise>()
  for (const terms of TERMS) {
    // Further ones in order of time, so that no more is given up than must be.
    const inOrder =
      terms.length === 0 ? candidates : candidates.toSorted((left, right) => left.rttMs - right.rttMs)
    for (const candidate of inOrder) {
      if (chosen.length >= options.count) break
      if (chosen.some(({ site }) => site === candidate.site)) continue
      const lacks = lackOf(candidate, options, chosen)
      if (!lacks.every((lack) => terms.includes(lack))) continue
      chosen.push(candidate)
      for (const lack of lacks) given.add(lack)
    }
  }
  return {
    guardians: chosen.map(({ site }) => site),
    compromises: (TERMS.at(-1) ?? []).filter((lack) => given.has(lack)),
  }
}

/** What is wrong with one more guardian beside those chosen. */
function lackOf(
  candidate: GuardianCandidate,
  options: GuardianOptions,
  chosen: readonly GuardianCandidate[],
): readonly GuardianCompromise[] {
  const { apartMsMin, nearMsMax } = { ...defaultGuardianSettings, ...options.settings }
  const taken = new Set([...options.domains, ...chosen.flatMap(({ domains }) => domains)])
  const isApart = (rttMs: number | undefined) => rttMs === undefined || rttMs >= apartMsMin
  const isInOnePlace =
    !isApart(candidate.rttMs) || !chosen.every(({ site }) => isApart(options.betweenMs(candidate.site, site)))
  return [
    ...(candidate.rttMs > nearMsMax ? (['far'] as const) : []),
    ...(candidate.domains.some((domain) => taken.has(domain)) ? (['shared_domain'] as const) : []),
    ...(isInOnePlace ? (['one_place'] as const) : []),
  ]
}
