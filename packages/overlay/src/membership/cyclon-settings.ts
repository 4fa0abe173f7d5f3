/** The settings of membership. Each says its formula and what it trades. */

export interface CyclonSettings {
  /**
   * Entries of the view. The graph stays connected while the share of sites that crash at once is below about
   * 1 - 5 / cacheSize (Cyclon §4.3: 20 stand 70 to 80 %). Memory and bytes grow with it.
   */
  readonly cacheSize: number
  /** Entries that an exchange swaps, own one included; at most cacheSize. More mix faster and cost bytes. */
  readonly shuffleLength: number
  /**
   * Each site begins one exchange per period, and answers one on average:
   * bytes/s = 4 * shuffleLength * descriptorBytes / periodMs * 1000; a dead link is gone within about
   * cacheSize * periodMs at the latest, since the oldest entry is asked first.
   */
  readonly periodMs: number
  /** The period varies by this share, so that sites do not march in step. */
  readonly periodJitter: number
  /**
   * Hops of the random walk of a join: the walk must reach any site, so at least the average path of the graph,
   * ln(sites) / ln(cacheSize): 3.1 for 10,000 sites at 20.
   */
  readonly walkHops: number
  /**
   * A partner that has not answered after so long is taken for dead, and the next oldest is asked: twice the longest
   * round trip. Shorter: a slow site loses links that it makes anew; longer: dead links stay longer.
   */
  readonly answerMsMax: number
  /**
   * So many partners are tried in one period, and the rest of the view is checked when the first is silent. The paper
   * tries one and checks none (set 1): after a crash of half of all sites dead links are then gone after 40 periods.
   */
  readonly partnersMax: number
  /** A site that joins and knows less than half a view asks a contact again after so long. */
  readonly joinRetryMs: number
}

export const defaultCyclonSettings: CyclonSettings = Object.freeze({
  cacheSize: 20,
  shuffleLength: 8,
  periodMs: 10_000,
  periodJitter: 0.1,
  walkHops: 5,
  answerMsMax: 1000,
  partnersMax: 4,
  joinRetryMs: 2000,
})
