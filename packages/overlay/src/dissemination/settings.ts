/** The settings of dissemination. Each says its formula and what it trades. */

export interface DisseminationSettings {
  /**
   * Sites to which each news is passed on. Of all sites the share 1 - e^(-fanout * (1 - loss)) hears of it in the first
   * wave: 0.997 at 6 and a loss of 5 %; every site receives about fanout copies.
   */
  readonly fanout: number
  /** Urgent news that follow within this time travel together: bounds messages/s to 1000 / urgentMs * fanout. */
  readonly urgentMs: number
  /** The same for the rest. Larger: fewer messages, older heads. */
  readonly batchMs: number
  /**
   * Each site compares what it has with one other in this time; who missed the first wave hears within some
   * reconcileMs. Idle bytes/s = 2 * 300 / reconcileMs * 1000.
   */
  readonly reconcileMs: number
  /** Rumours in one message, which must fit into a datagram. */
  readonly rumoursMax: number
  /** Subjects of one topic that are kept; more are refused. */
  readonly subjectsMax: number
}

export const defaultDisseminationSettings: DisseminationSettings = Object.freeze({
  fanout: 6,
  urgentMs: 50,
  batchMs: 1000,
  reconcileMs: 10_000,
  rumoursMax: 16,
  subjectsMax: 20_000,
})
