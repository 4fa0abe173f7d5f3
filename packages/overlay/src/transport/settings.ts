/** The settings of the transport between sites. Each says its formula and what it trades. */

import { defaultRoundTripSettings, type RoundTripSettings } from './round-trip.ts'

export interface Http2TransportSettings {
  readonly roundTrip: RoundTripSettings
  /** How long another site may work on a request whose caller names no time-out. */
  readonly workMsMax: number
  /**
   * A site that went away silently is noticed after pingIntervalMs + timeoutFor(site, 0), or when a request times
   * out. Smaller: noticed sooner; larger: fewer wake-ups, one packet each way per interval and site.
   */
  readonly pingIntervalMs: number
  /** A session that carried nothing for so long is closed, so that a large cloud does not keep one per pair. */
  readonly idleMsMax: number
  /** Requests at a time to one site; at most the `maxConcurrentStreams` of the listener. */
  readonly requestsMax: number
  /** Requests that wait for a place. One more is refused with `TooBusy`. */
  readonly waitingMax: number
  /** After n failures to connect the next attempt comes within [0, min(backoffMsMax, backoffMs * 2^(n-1))). */
  readonly backoffMs: number
  /** Also how long after a heal a site may still seem away. */
  readonly backoffMsMax: number
  /** One stream carries at most streamWindowBytes per round trip: 2 MiB at 20 ms is 100 MB/s. Bounds memory. */
  readonly streamWindowBytes: number
  /** The same for all streams of a session together: bandwidth * round trip of the best link. */
  readonly sessionWindowBytes: number
}

export const defaultHttp2TransportSettings: Http2TransportSettings = Object.freeze({
  roundTrip: defaultRoundTripSettings,
  workMsMax: 10_000,
  pingIntervalMs: 5000,
  idleMsMax: 300_000,
  requestsMax: 128,
  waitingMax: 1024,
  backoffMs: 50,
  backoffMsMax: 2000,
  streamWindowBytes: 2 * 1024 * 1024,
  sessionWindowBytes: 8 * 1024 * 1024,
})

export interface PeerListenerSettings {
  /** Requests at a time on one session: requestsMax of the transport, with room for one more release. */
  readonly streamsMax: number
  /** A stranger may hold a half-made connection for so long. */
  readonly handshakeMsMax: number
  /** How long requests under way may take when the listener closes. */
  readonly drainMsMax: number
  readonly streamWindowBytes: number
  readonly sessionWindowBytes: number
}

export const defaultPeerListenerSettings: PeerListenerSettings = Object.freeze({
  streamsMax: 256,
  handshakeMsMax: 10_000,
  drainMsMax: 5000,
  streamWindowBytes: 2 * 1024 * 1024,
  sessionWindowBytes: 8 * 1024 * 1024,
})
