/** Requests to other sites over one HTTP/2 session with mutual TLS 1.3 for each. */

import { type Clock, type Logger, type Random, silentLogger } from '@atoll/kit'
import type { CredentialSource } from '../trust/key-ring.ts'
import type { Address } from './dial.ts'
import { PeerUnreachable } from './errors.ts'
import type { PeerRequest, PeerResponse, PeerTransport } from './peer-transport.ts'
import { RoundTrip } from './round-trip.ts'
import { defaultHttp2TransportSettings, type Http2TransportSettings } from './settings.ts'
import { SiteLink } from './site-link.ts'

export type Resolve = (site: string, peer?: string) => readonly Address[] | Promise<readonly Address[]>

export interface Http2TransportOptions {
  readonly credentials: CredentialSource
  /** The addresses of the peers of a site, best first, or of one peer; empty when the site or the peer is unknown. */
  readonly resolve: Resolve
  readonly clock: Clock
  readonly random: Random
  readonly log?: Logger
  readonly settings?: Partial<Http2TransportSettings>
}

export class Http2Transport implements PeerTransport {
  readonly #options: Http2TransportOptions
  readonly #settings: Http2TransportSettings
  /** By site, or site and peer. Only of those that had an address once, so that names from outside cannot fill it. */
  readonly #links = new Map<string, SiteLink>()
  #isClosed = false

  constructor(options: Http2TransportOptions) {
    this.#options = options
    this.#settings = { ...defaultHttp2TransportSettings, ...options.settings }
  }

  async request(request: PeerRequest): Promise<PeerResponse> {
    const { site, peer } = request
    request.signal?.throwIfAborted()
    const addresses = this.#links.has(linkName(site, peer))
      ? undefined
      : await this.#options.resolve(site, peer)
    if (this.#isClosed) throw PeerUnreachable({ site, reason: 'closed', mayHaveBeenDone: false })
    if (addresses?.length === 0)
      throw PeerUnreachable({ site, reason: 'no_connection', mayHaveBeenDone: false })
    return this.#link(site, peer).request(request)
  }

  roundTripMs(site: string): number | undefined {
    return this.#links.get(site)?.roundTrip.smoothedMs
  }

  timeoutFor(site: string, workMs: number): number {
    const roundTrip = this.#links.get(site)?.roundTrip ?? new RoundTrip(this.#settings.roundTrip)
    return roundTrip.timeoutMs(workMs)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await Promise.all([...this.#links.values()].map((link) => link.close()))
  }

  #link(site: string, peer: string | undefined): SiteLink {
    const name = linkName(site, peer)
    const known = this.#links.get(name)
    if (known) return known
    const { credentials, resolve, clock, random, log = silentLogger } = this.#options
    const link = new SiteLink({
      site,
      ...(peer === undefined ? {} : { peer }),
      credentials,
      resolve: () => resolve(site, peer),
      clock,
      random,
      log,
      settings: this.#settings,
    })
    this.#links.set(name, link)
    return link
  }
}

// Neither name can hold a slash.
function linkName(site: string, peer: string | undefined): string {
  return peer === undefined ? site : `${site}/${peer}`
}
