/**
 * Follows the feed of one other site for ever: asks from the cursor on, applies, and notes how fresh that is. A near site is
 * asked again as soon as it has answered, and waits with its answer for news; a far one, when gossip tells of news.
 */

import { type Clock, fraction, type Logger, type Random, type Service, sleep } from '@atoll/kit'
import type { PeerTransport } from '@atoll/overlay'
import type { FeedEntry, State, Trust } from '@atoll/state'
import { Type } from 'typebox'
import type { Directory } from './directory.ts'
import { SiteRetired, SiteRevoked } from './errors.ts'
import { CONTACT_INTERVAL_MS, type Freshness } from './freshness.ts'
import type { FeedHead } from './overlay/feed-heads.ts'
import { callPeer, FeedAnswer, PeerRefused } from './peer-client.ts'
import type { PeerAddress } from './records.ts'

/** Entries of one page: at about 1 kB each, half a megabyte. */
export const FEED_PAGE_MAX = 500

/** A site that does not answer is asked again after a pause that grows to this, so that a heal is noticed within it. */
const PAUSE_MS_MAX = 1000
/** One that is away as planned, or shut out, is not worth more: it says by itself when it is back. */
const ABSENCE_PAUSE_MS = 30_000
/** A site that is followed loosely is asked so often though nothing was heard of it. */
const LOOSE_INTERVAL_MS = 60_000
/** Gossip is on its way for so long, at most, from a site that is there: five hops of a second each. */
const GOSSIP_MS_MAX = 5000

const Nothing = Type.Object({})

export interface FollowerOptions {
  readonly site: string
  /** Where this site's own peers listen. */
  readonly selfAddresses: readonly PeerAddress[]
  readonly state: State
  readonly transport: PeerTransport
  readonly directory: Directory
  readonly freshness: Freshness
  readonly trust: Trust
  /** Whether it is asked all the time. */
  readonly isClose: () => boolean
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
}

export class Follower implements Service {
  readonly name: string
  readonly #options: FollowerOptions
  #failures = 0
  #isIntroduced = false
  #isShutOut = false
  #isPoked = false
  /** How far the replicas have come, once that is known. */
  #upTo = Number.NEGATIVE_INFINITY
  #endPause: () => void = () => {}

  constructor(options: FollowerOptions) {
    this.#options = options
    this.name = `follower of ${options.site}`
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#isPoked = false
      if (this.#options.directory.isRevoked(this.#options.site)) {
        await this.#rest(ABSENCE_PAUSE_MS, signal)
        continue
      }
      try {
        if (!this.#isIntroduced) await this.#introduce(signal)
        const hasAll = await this.#followOnce(signal)
        this.#failures = 0
        this.#isShutOut = false
        if (hasAll && !this.#options.isClose()) await this.#rest(LOOSE_INTERVAL_MS, signal)
      } catch (error) {
        if (signal.aborted) return
        this.#isIntroduced = false
        await this.#pause(error, signal)
      }
    }
  }

  /** Whether that site says that this one was revoked or retired. */
  get isShutOut(): boolean {
    return this.#isShutOut
  }

  /** There is a reason to ask the site now: a pause that waits for it ends. */
  poke(): void {
    this.#failures = 0
    this.#isPoked = true
    this.#endPause()
  }

  /** Gossip has told how far the feed of the site has come. */
  hear({ seq, heardMs }: FeedHead): void {
    if (seq > this.#upTo) this.poke()
    else this.#options.freshness.heard(this.#options.site, heardMs - GOSSIP_MS_MAX)
  }

  /** Tells the other site where we are: it may never have heard of us. */
  async #introduce(signal: AbortSignal): Promise<void> {
    const { site, transport, selfAddresses } = this.#options
    await callPeer(transport, {
      site,
      method: 'POST',
      path: '/peer/v1/sites',
      body: { addresses: selfAddresses },
      answer: Nothing,
      workMs: 1000,
      signal,
    })
    this.#isIntroduced = true
  }

  /** Answers whether there was nothing to have: what was had is acknowledged by asking for what comes after it. */
  async #followOnce(signal: AbortSignal): Promise<boolean> {
    const { site, state, transport, directory, freshness, trust, clock, log } = this.#options
    const after = await state.feed.cursor(site)
    const askedMs = clock.monotonicMs()
    // A peer that was silent is asked for what it has now; one that just answered may wait for news.
    const waitMs = this.#options.isClose() && freshness.isReachable(site) ? CONTACT_INTERVAL_MS : 0
    const page = await callPeer(transport, {
      site,
      method: 'GET',
      path: `/peer/v1/feed?after=${after}&limit=${FEED_PAGE_MAX}&wait_ms=${waitMs}`,
      answer: FeedAnswer,
      workMs: waitMs + 500,
      signal,
    })
    // It was asked before it was shut out.
    if (directory.isRevoked(site)) return true
    if (page.home !== site) throw new Error(`${site} answered with the feed of ${page.home}`)
    const { refused } = await state.feed.apply(
      {
        home: site,
        after,
        upTo: page.upTo,
        entries: page.entries as unknown as FeedEntry[],
        withdrawals: page.withdrawals ?? [],
      },
      trust,
    )
    if (refused.length > 0)
      log.warn({ site, refused: refused.slice(0, 10), count: refused.length }, 'replicas refused')
    // It looked a last time after it had waited, whatever the network did to the answer: that is how fresh we are.
    if (page.isComplete) freshness.heard(site, Math.min(askedMs + page.waitedMs, clock.monotonicMs()))
    await directory.learn(page.sites.filter(({ name }) => name !== state.site.name))
    this.#upTo = page.upTo
    return page.isComplete && page.upTo === after
  }

  async #pause(error: unknown, signal: AbortSignal): Promise<void> {
    const { site, directory, random, log } = this.#options
    const isShutOut =
      error instanceof PeerRefused && (error.code === SiteRevoked.code || error.code === SiteRetired.code)
    if (isShutOut && !this.#isShutOut)
      log.error({ site, err: error }, 'this site was shut out: that one does not talk to it any more')
    else if (this.#failures === 0) log.info({ site, err: error }, 'a site does not answer')
    this.#isShutOut = isShutOut
    this.#failures++
    // Of one that is followed loosely gossip tells when it is back.
    const isAway = directory.find(site)?.standing === 'dormant' || !this.#options.isClose()
    const ceilingMs = Math.min(
      isAway || isShutOut ? ABSENCE_PAUSE_MS : PAUSE_MS_MAX,
      50 * 2 ** Math.min(this.#failures, 12),
    )
    await this.#rest(ceilingMs * (0.5 + 0.5 * fraction(random)), signal)
  }

  // Signals made by `AbortSignal.any` are kept by the runtime until they end, and with them all of a process that died in a pause.
  async #rest(pauseMs: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted || this.#isPoked) return
    const pause = new AbortController()
    const end = () => pause.abort()
    this.#endPause = end
    signal.addEventListener('abort', end, { once: true })
    await sleep(this.#options.clock, pauseMs, pause.signal)
    signal.removeEventListener('abort', end)
  }
}
