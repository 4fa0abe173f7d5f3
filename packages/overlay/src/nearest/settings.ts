/** What can be set about the search for the nearest sites. */

export interface SpiralSettings {
  /** So many nearest sites are looked for and kept measured. */
  readonly k: number
  /**
   * Exchanges that a search may start at most. Each is measured by both ends, so a site learns of about twice as many.
   * More: a site in a corner that positions describe badly is found more surely.
   */
  readonly probesMax: number
  /**
   * A site that is predicted to be more than this many times as far as the `k`th nearest gets no probe. Smaller: a search
   * ends sooner; larger: it finds those that positions describe badly.
   */
  readonly worth: number
  /** Exchanges that are started together: fewer ask with better knowledge, more are done sooner. */
  readonly batch: number
  /** Time between two steps of a search. A search takes about `probesMax / batch` of them. */
  readonly stepMs: number
  /**
   * Time between two exchanges with a near site outside of a search: each of the `k` is asked anew after `k` times this, and
   * a site costs its neighbours together some 4 KB each time.
   */
  readonly maintainMs: number
  /** So many of its nearest sites a site tells in each exchange. */
  readonly listLength: number
  /** Only so many sites of the best predicted are looked at closely; the rest cost one distance each. */
  readonly candidatesMax: number
  /** Measured round trips that are kept: the nearest quarter, and the latest. */
  readonly measuredMax: number
  /** After this long without a new measurement a round trip counts as a prediction. */
  readonly staleMs: number
  /**
   * A round trip that became shorter by more than this share and by `changedMsMin`, or twice in a row longer, starts a
   * search: of routes that change, most change together.
   */
  readonly changedShare: number
  readonly changedMsMin: number
  /** Such searches start no sooner after each other than this. */
  readonly searchMsMin: number
  /** An answer is waited for `timeoutMsMin` or three times the predicted round trip. */
  readonly timeoutMsMin: number
  /** A site that did not answer twice is not asked for so long. */
  readonly silentMs: number
}

export const defaultSpiralSettings: SpiralSettings = Object.freeze({
  k: 10,
  probesMax: 20,
  worth: 3,
  batch: 2,
  stepMs: 1000,
  maintainMs: 5000,
  listLength: 16,
  candidatesMax: 96,
  measuredMax: 256,
  staleMs: 600_000,
  changedShare: 0.2,
  changedMsMin: 2,
  searchMsMin: 30_000,
  timeoutMsMin: 500,
  silentMs: 60_000,
})
