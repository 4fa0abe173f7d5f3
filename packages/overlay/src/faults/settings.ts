/** The settings of failure detection. Each says its formula and what it trades. */

export interface FaultSettings {
  /** Sites that each site watches: its next ones on a ring in order of the hash of their names. */
  readonly watched: number
  /**
   * Each watched site is probed once in this time. A crash is first felt within watchMs, at p99 within
   * watchMs * (1 - 0.01^(1/watched)); probes/s of a site = watched * 1000 / watchMs.
   */
  readonly watchMs: number
  /** One more site, in shuffled order over all of them, is probed in this time (SWIM §4.3): what no watcher sees. */
  readonly roundMs: number
  /** One site that was cut off is tried in this time; a heal is felt within retryMs / (sites of the smaller part). */
  readonly retryMs: number
  /** After a heal was felt, cut sites are tried at this pace, so that islands meet within seconds. */
  readonly eagerRetryMs: number
  /** The round trip assumed to a site that was not measured. */
  readonly initialMs: number
  /**
   * No answer is waited for longer: the longest round trip of the cloud + graceMs. A site that stands still now and then
   * has a large RTTVAR, and its death would be known late; that it only pauses is what silenceMsMin waits for.
   */
  readonly answerMsMax: number
  /**
   * Beside SRTT + 4 RTTVAR (RFC 6298) an answer may take so much longer before it is missed: what a busy process needs
   * to answer. Larger: fewer false suspicions; each dead site is known that much later, twice.
   */
  readonly graceMs: number
  /** Sites asked to probe one that did not answer (SWIM §3.1, k). False alarms by loss fall as (1 - (1-loss)^4)^k. */
  readonly proxies: number
  /**
   * So many different sites must have missed a site before all hear of it; fewer only where fewer are left. Larger: more
   * liars and broken links are needed for a false alarm, and more probes for a true one.
   */
  readonly quorum: number
  /**
   * So many sites by chance are asked to look for themselves at one that was missed, and twice as many each time that no
   * quorum came of it: after a catastrophe most of those asked are gone as well.
   */
  readonly verifiers: number
  /**
   * Once all hear of it, a suspect has so long to say that it is there:
   * 2 * the spread of an event (some 500 ms each for 1,000 sites) + what a pause of its process may still last.
   */
  readonly suspicionMsMin: number
  /**
   * Nobody is cut off sooner than this after the first ping that was not answered: the longest pause of a healthy
   * process + the spread of an event. Larger: fewer false alarms; a dead site is known that much later at the least.
   */
  readonly silenceMsMin: number
  /**
   * Without a quorum a site is cut off on one's own evidence alone after so long: some 5 times the least; Lifeguard's
   * suspicions without a confirmation take 6 times (β in §IV.C).
   */
  readonly suspicionMsMax: number
  /** Suspicions of one site that are open at a time; more are ignored: a liar can only trouble so many. */
  readonly openSuspicionsMax: number
  /**
   * A site that is slow itself stretches its time-outs up to 1 + healthMax times (Lifeguard's S, §IV.A). Larger: fewer
   * false suspicions by slow sites, which hear later of the death of others.
   */
  readonly healthMax: number
  /** A timer that fires so late says that this process stood still: what it missed may lie in its sockets. */
  readonly lateMs: number
}

export const defaultFaultSettings: FaultSettings = Object.freeze({
  watched: 3,
  watchMs: 800,
  roundMs: 2000,
  retryMs: 10_000,
  eagerRetryMs: 50,
  initialMs: 500,
  answerMsMax: 800,
  graceMs: 60,
  proxies: 3,
  quorum: 3,
  verifiers: 5,
  suspicionMsMin: 1600,
  silenceMsMin: 3000,
  suspicionMsMax: 7200,
  openSuspicionsMax: 32,
  healthMax: 2,
  lateMs: 60,
})
