/** What can be set about the ring. */

export interface RingSettings {
  /**
   * So many successors are known: the ring breaks where as many neighbours die within one `stabilizeMs`. With half of all
   * sites dead at once, 12 leave one chance in 4,000 for each site, and those find back by the membership.
   */
  readonly successors: number
  /** Time between two questions to the successor. Each costs some hundred bytes for each successor. */
  readonly stabilizeMs: number
  /** Time between two lookups of a finger, one after the other. */
  readonly fingerMs: number
  /** Time between two lookups of one's own place by a site that the membership names: what joins two rings into one. */
  readonly mergeMs: number
  /** A question is given up after this, or three times the predicted round trip, whichever is longer. */
  readonly timeoutMsMin: number
  /** So many questions in a row may stay without an answer before a site is dropped: datagrams get lost. */
  readonly misses: number
  /** A site that was dropped is not asked for so long, unless it speaks itself. */
  readonly silentMs: number
  /** Of one lookup: three for each step of 2^10 sites. */
  readonly questionsMax: number
  /** A lookup that fails is tried so often in all, a round of `stabilizeMs` later each. */
  readonly attempts: number
  /** Lookups under way at most; more fail at once. */
  readonly lookupsMax: number
}

export const defaultRingSettings: RingSettings = Object.freeze({
  successors: 12,
  stabilizeMs: 1000,
  fingerMs: 5000,
  mergeMs: 30_000,
  timeoutMsMin: 500,
  misses: 3,
  silentMs: 10_000,
  questionsMax: 32,
  attempts: 4,
  lookupsMax: 256,
})
