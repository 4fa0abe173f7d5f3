/**
 * A network in memory for the simulator: the same interface as `Http2Transport`, but every delay, loss and cut comes
 * from the injected clock and random. No socket, thread or timer of the machine takes part, so one seed replays one
 * run.
 */

import { type Clock, fraction, type Random } from '@atoll/kit'
import type { PeerIdentity } from '../trust/identity.ts'
import { MockAuthority } from './mock-authority.ts'
import { type MockHandler, MockTransport } from './mock-transport.ts'
import type { PeerTransport } from './peer-transport.ts'
import { defaultRoundTripSettings, type RoundTripSettings } from './round-trip.ts'

/** One direction between two sites. */
export interface Direction {
  readonly from: string
  readonly to: string
}

export interface MockLink {
  /** One way; the jitter adds a uniform share of [0, jitterMs). */
  readonly delayMs: number
  readonly jitterMs: number
  /** The share of requests, in [0, 1], that never arrive. */
  readonly loss: number
}

export interface MockNetworkOptions {
  readonly clock: Clock
  readonly random: Random
  /** Between sites of which nothing else was said. Default: 1 ms, no jitter, no loss. */
  readonly link?: Partial<MockLink>
  /** Bodies are buffered; larger ones are refused with `PeerBodyTooLarge`. Default: 64 MiB. */
  readonly bodyBytesMax?: number
  /** As in `Http2TransportSettings`. */
  readonly workMsMax?: number
  readonly roundTrip?: RoundTripSettings
}

export interface MockEndpoint {
  readonly identity: PeerIdentity
  readonly handler: MockHandler
}

/** What became of a message; `cut`: its direction was cut at some time between sending and delivery. */
export interface Delivery {
  readonly fate: 'delivered' | 'dropped' | 'cut'
  readonly delayMs: number
}

interface LinkState {
  link: MockLink
  isCut: boolean
  /** Rises with each cut: a message that finds another value at its delivery was on the way when it came. */
  cuts: number
}

export class MockNetwork {
  readonly options: Required<MockNetworkOptions>
  /** Of the cloud whose sites are on this network. */
  readonly authority = new MockAuthority()
  readonly #links = new Map<string, LinkState>()
  readonly #endpoints = new Map<string, readonly MockEndpoint[]>()

  constructor(options: MockNetworkOptions) {
    this.options = {
      bodyBytesMax: 64 * 1024 * 1024,
      workMsMax: 10_000,
      roundTrip: defaultRoundTripSettings,
      link: {},
      ...options,
    }
  }

  /** The transport of one peer. */
  connect(identity: PeerIdentity): PeerTransport {
    return new MockTransport(this, identity)
  }

  /**
   * Answers requests for the site of `identity`; of several peers of a site the first does. The returned function
   * stops at once, as a crash does: answers that were not sent yet are lost.
   */
  listen(identity: PeerIdentity, handler: MockHandler): () => void {
    const { site } = identity
    const endpoint = { identity, handler }
    this.#endpoints.set(site, [...this.#endpointsOf(site), endpoint])
    return () => {
      const others = this.#endpointsOf(site).filter((other) => other !== endpoint)
      this.#endpoints.set(site, others)
    }
  }

  /** The peer that answers for a site at the moment, or the one of this name. */
  endpointOf(site: string, peer?: string): MockEndpoint | undefined {
    const endpoints = this.#endpointsOf(site)
    return peer === undefined ? endpoints[0] : endpoints.find(({ identity }) => identity.peer === peer)
  }

  isListening(endpoint: MockEndpoint): boolean {
    return this.#endpointsOf(endpoint.identity.site).includes(endpoint)
  }

  setLink(direction: Direction, link: Partial<MockLink>): void {
    const state = this.#state(direction)
    state.link = { ...state.link, ...link }
  }

  /** Cuts one direction; what is on the way is lost. */
  cut(direction: Direction): void {
    const state = this.#state(direction)
    state.isCut = true
    state.cuts++
  }

  heal(direction: Direction): void {
    this.#state(direction).isCut = false
  }

  /** Cuts both directions. */
  cutBoth(left: string, right: string): void {
    this.cut({ from: left, to: right })
    this.cut({ from: right, to: left })
  }

  healBoth(left: string, right: string): void {
    this.heal({ from: left, to: right })
    this.heal({ from: right, to: left })
  }

  isCut(direction: Direction): boolean {
    return this.#state(direction).isCut
  }

  /** Resolves at the time of the delivery, or of what would have been one. */
  send(direction: Direction): Promise<Delivery> {
    const { clock, random } = this.options
    const state = this.#state(direction)
    const { delayMs: baseMs, jitterMs, loss } = state.link
    // Both numbers are always drawn, so that another setting does not shift all randomness after it.
    const delayMs = baseMs + jitterMs * fraction(random)
    const isDropped = fraction(random) < loss
    const { isCut, cuts } = state
    return new Promise((resolve) => {
      clock.after(delayMs, () => {
        const wasCut = isCut || state.cuts !== cuts
        resolve({ fate: wasCut ? 'cut' : isDropped ? 'dropped' : 'delivered', delayMs })
      })
    })
  }

  #endpointsOf(site: string): readonly MockEndpoint[] {
    return this.#endpoints.get(site) ?? []
  }

  #state({ from, to }: Direction): LinkState {
    const key = `${from} ${to}`
    const known = this.#links.get(key)
    if (known) return known
    // A site reaches itself without a network.
    const link = {
      delayMs: from === to ? 0 : 1,
      jitterMs: 0,
      loss: 0,
      ...(from === to ? {} : this.options.link),
    }
    const state: LinkState = { link, isCut: false, cuts: 0 }
    this.#links.set(key, state)
    return state
  }
}
