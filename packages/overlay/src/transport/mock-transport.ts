/**
 * What one peer sees of a `MockNetwork`. A request is two messages:
 *
 *     request ──▶ delivered ──▶ handler ──▶ answer ──▶ delivered
 *        │ dropped: nothing is heard until the time-out   │ cut: noticed by a ping, may have been done
 *        └ cut: noticed by a ping, not done
 */

import { Readable } from 'node:stream'
import { sleep } from '@atoll/kit'
import type { PeerIdentity } from '../trust/identity.ts'
import { Deadline } from './deadline.ts'
import { PeerBodyTooLarge, PeerUnreachable, type UnreachableReason } from './errors.ts'
import { endToEndHeaders } from './headers.ts'
import type { MockEndpoint, MockNetwork } from './mock-network.ts'
import type { PeerHeaders, PeerRequest, PeerResponse, PeerTransport } from './peer-transport.ts'
import { RoundTrip } from './round-trip.ts'

export interface MockRequest {
  readonly method: string
  readonly path: string
  readonly headers: PeerHeaders
  readonly body: Buffer
}

export interface MockResponse {
  readonly status: number
  readonly headers?: PeerHeaders
  readonly body?: Buffer | Readable
}

/** What a peer does with a request. A throw becomes status 500, as it does behind a real listener. */
export type MockHandler = (identity: PeerIdentity, request: MockRequest) => Promise<MockResponse>

/** How far a request has come, for the error that may end it at any time. */
interface Progress {
  mayHaveBeenDone: boolean
}

export class MockTransport implements PeerTransport {
  readonly #network: MockNetwork
  readonly #identity: PeerIdentity
  readonly #roundTrips = new Map<string, RoundTrip>()
  readonly #underWay = new Set<() => void>()
  #isClosed = false

  constructor(network: MockNetwork, identity: PeerIdentity) {
    this.#network = network
    this.#identity = identity
  }

  async request(request: PeerRequest): Promise<PeerResponse> {
    const { site, signal, body } = request
    const { clock, workMsMax } = this.#network.options
    const progress: Progress = { mayHaveBeenDone: false }
    const unreachable = (reason: UnreachableReason) => PeerUnreachable({ site, reason, ...progress })
    signal?.throwIfAborted()
    if (this.#isClosed) throw unreachable('closed')
    const closing = Promise.withResolvers<never>()
    const onClose = () => closing.reject(unreachable('closed'))
    using deadline = new Deadline({
      clock,
      timeoutMs: request.timeoutMs ?? this.timeoutFor(site, workMsMax),
      onTimeout: () => unreachable('timeout'),
      signal,
    })
    this.#underWay.add(onClose)
    try {
      return await deadline.race(Promise.race([closing.promise, this.#exchange(request, progress)]))
    } catch (error) {
      if (body instanceof Readable) body.destroy()
      throw error
    } finally {
      this.#underWay.delete(onClose)
    }
  }

  roundTripMs(site: string): number | undefined {
    return this.#roundTrips.get(site)?.smoothedMs
  }

  timeoutFor(site: string, workMs: number): number {
    return this.#roundTripOf(site).timeoutMs(workMs)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    for (const end of this.#underWay) end()
  }

  async #exchange(request: PeerRequest, progress: Progress): Promise<PeerResponse> {
    const network = this.#network
    const { site, peer, method, path, headers = {} } = request
    const there = { from: this.#identity.site, to: site }
    const back = { from: site, to: this.#identity.site }
    const body = await this.#buffer(request.body)
    if (network.isCut(there)) return this.#lose(site, 'no_connection', progress)
    progress.mayHaveBeenDone = true
    const sent = await network.send(there)
    // Nobody tells that a request has vanished: the time-out ends it.
    if (sent.fate === 'dropped') return new Promise(() => {})
    const endpoint = network.endpointOf(site, peer)
    if (sent.fate === 'cut' || !endpoint) progress.mayHaveBeenDone = false
    if (sent.fate === 'cut') return this.#lose(site, 'connection_lost', progress)
    if (!endpoint) {
      await network.send(back)
      throw PeerUnreachable({ site, reason: 'no_connection', ...progress })
    }
    const answer = await this.#handle(endpoint, { method, path, headers: endToEndHeaders(headers), body })
    const hasCrashed = !network.isListening(endpoint)
    const received = await network.send(back)
    if (received.fate === 'cut') return this.#lose(site, 'connection_lost', progress)
    if (hasCrashed) throw PeerUnreachable({ site, reason: 'connection_lost', ...progress })
    this.#roundTripOf(site).measured(sent.delayMs + received.delayMs)
    return { ...answer, body: Readable.from(answer.body.length > 0 ? [answer.body] : []) }
  }

  /** What was cut is noticed when a ping has not come back. */
  async #lose(site: string, reason: UnreachableReason, progress: Progress): Promise<never> {
    await sleep(this.#network.options.clock, this.timeoutFor(site, 0))
    throw PeerUnreachable({ site, reason, ...progress })
  }

  async #handle(endpoint: MockEndpoint, request: MockRequest) {
    try {
      const { status, headers = {}, body } = await endpoint.handler(this.#identity, request)
      return { status, headers: endToEndHeaders(headers), body: await this.#buffer(body) }
    } catch {
      // The other site sees what it would see of a real listener; the reason is for the log of the handler.
      return { status: 500, headers: {}, body: Buffer.alloc(0) }
    }
  }

  async #buffer(body: Buffer | Readable | undefined): Promise<Buffer> {
    const { bodyBytesMax: bytesMax } = this.#network.options
    const pieces: Buffer[] = []
    let bytes = 0
    for await (const piece of body instanceof Readable ? body : [body ?? Buffer.alloc(0)]) {
      const buffer = Buffer.from(piece as Buffer | string)
      bytes += buffer.length
      if (bytes > bytesMax) throw PeerBodyTooLarge({ bytesMax })
      pieces.push(buffer)
    }
    return Buffer.concat(pieces)
  }

  #roundTripOf(site: string): RoundTrip {
    const roundTrip = this.#roundTrips.get(site) ?? new RoundTrip(this.#network.options.roundTrip)
    this.#roundTrips.set(site, roundTrip)
    return roundTrip
  }
}
