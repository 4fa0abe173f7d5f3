/** Requests to other sites, whoever carries them: HTTP/2 in production, memory in the simulator. */

import type { Readable } from 'node:stream'

/** Names in lower case. */
export type PeerHeaders = Readonly<Record<string, string | readonly string[]>>

export interface PeerRequest {
  /** Name of the site; any of its peers may answer, unless `peer` names one. */
  readonly site: string
  /** Name of one peer of the site: nobody else may answer. */
  readonly peer?: string
  readonly method: string
  /** Path and query. */
  readonly path: string
  readonly headers?: PeerHeaders
  /** A stream is read as fast as the other end takes it, and destroyed when the request fails. */
  readonly body?: Buffer | Readable
  /**
   * How long the peer may take for the status and headers, counted anew whenever it takes a piece of a streamed
   * body. Default: `timeoutFor(site, workMsMax)` of the transport. The body of the answer has no such limit: a
   * connection that died is noticed, and callers stop a slow one through `signal`.
   */
  readonly timeoutMs?: number
  /** Ends the request, and the body of its answer; `request` then throws the reason of the signal. */
  readonly signal?: AbortSignal
}

export interface PeerResponse {
  readonly status: number
  readonly headers: PeerHeaders
  /** Callers must read it to its end or destroy it: an unread body holds one of the places for requests. */
  readonly body: Readable
}

export interface PeerTransport {
  /**
   * Sends a request once and returns the answer, whatever its status.
   *
   * @throws PeerUnreachable when there is no answer; its detail says whether the request can have been done
   * @throws TooBusy when too many requests to that site are waiting; nothing was sent
   */
  request(request: PeerRequest): Promise<PeerResponse>
  /** The smoothed round trip to a site, or undefined before the first measurement. */
  roundTripMs(site: string): number | undefined
  /** How long to wait for an answer that takes the other site `workMs` to make. */
  timeoutFor(site: string, workMs: number): number
  /** Ends what is under way with `PeerUnreachable` and refuses everything after. */
  close(): Promise<void>
}
