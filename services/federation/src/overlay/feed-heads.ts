/**
 * How far each site's feed has come, told by gossip: whoever follows a site loosely asks it only when there is news.
 *
 *     commit ──▶ tell (at most once a second, and every HEARTBEAT_MS) ──▶ all sites ──▶ onHead ──▶ a follower asks
 */

import { type Clock, type Logger, Reconciler, type Service, sleep } from '@atoll/kit'
import { type News, signedRumour, signedTopic, type Topic } from '@atoll/overlay'
import type { State } from '@atoll/state'
import type { PeerOverlay } from './peer-overlay.ts'

/** What a site has free, over all hosts that take servers. */
export interface Capacity {
  readonly vcpus: number
  readonly ramMib: number
  readonly diskGib: number
}

export interface FeedHead {
  readonly seq: number
  /** Undefined when the site did not say. */
  readonly capacity: Capacity | undefined
  /** When this peer heard of it, on the monotonic clock. */
  readonly heardMs: number
}

export interface FeedHeadsOptions {
  readonly state: State
  readonly overlay: PeerOverlay
  readonly clock: Clock
  readonly log: Logger
  /** Of this site. */
  readonly capacity: () => Capacity
}

const TOPIC = 'feed-head'
/** News of one site are told so often at most. Shorter: replicas are fresher; longer: a busy site costs the others less. */
const NEWS_MS = 1000
/**
 * A head is told again though it is the same, so that silence means something: each site hears one from every other
 * one within this time. It is what an idle pair of sites costs, some 300 bytes and six copies.
 */
export const HEARTBEAT_MS = 30_000
/** As the directory. */
const HEADS_MAX = 10_000

export class FeedHeads implements Service {
  readonly name = 'heads of feeds'
  readonly #options: FeedHeadsOptions
  readonly #heads = new Map<string, FeedHead>()
  readonly #listeners = new Set<(site: string, head: FeedHead) => void>()
  #number = 0
  /** What was told last, and when, on the monotonic clock. */
  #told = { seq: -1, ms: Number.NEGATIVE_INFINITY }

  constructor(options: FeedHeadsOptions) {
    this.#options = options
    options.overlay.addTopic(this.#topic())
  }

  /** The newest head of a site that was heard of. */
  find(site: string): FeedHead | undefined {
    return this.#heads.get(site)
  }

  /** Calls `listener` with each head that is heard of. */
  onHead(listener: (site: string, head: FeedHead) => void): void {
    this.#listeners.add(listener)
  }

  async run(signal: AbortSignal): Promise<void> {
    const { state, clock, log } = this.#options
    const teller = new Reconciler({
      name: this.name,
      clock,
      log,
      intervalMs: HEARTBEAT_MS,
      pass: async () => {
        await this.#tell()
        await sleep(clock, NEWS_MS, signal)
      },
    })
    const stop = state.onCommit(() => teller.poke())
    await teller.run(signal)
    stop()
  }

  async #tell(): Promise<void> {
    const { state, overlay, clock, capacity } = this.#options
    const seq = await state.feed.head()
    const nowMs = clock.monotonicMs()
    // Commits of replicas are news of others; they tell them by themselves.
    if (seq <= this.#told.seq && nowMs - this.#told.ms < HEARTBEAT_MS) return
    const subject = state.site.name
    // Later than what an earlier run of this peer has told, or another peer of this site whose clock is ahead.
    this.#number = Math.max(this.#number + 1, Math.floor(clock.nowMs()))
    const told = { topic: TOPIC, subject, number: this.#number, data: { seq, capacity: capacity() } }
    if (overlay.tell(signedRumour(overlay.signatures, told))) this.#told = { seq, ms: nowMs }
  }

  #topic(): Topic {
    const { overlay } = this.#options
    return signedTopic({
      name: TOPIC,
      isUrgent: false,
      signatures: overlay.signatures,
      mayTell: (site, subject) => site === subject,
      onNews: (news) => this.#hear(news),
    })
  }

  #hear({ site, number, data }: News): void {
    const { state, clock } = this.#options
    if (site === state.site.name) {
      this.#number = Math.max(this.#number, number)
      return
    }
    const seq = Number(Object(data).seq)
    if (!Number.isSafeInteger(seq) || seq < 0) return
    if (!this.#heads.has(site) && this.#heads.size >= HEADS_MAX) return
    const head = { seq, capacity: readCapacity(Object(data).capacity), heardMs: clock.monotonicMs() }
    this.#heads.set(site, head)
    for (const listener of this.#listeners) listener(site, head)
  }
}

function readCapacity(value: unknown): Capacity | undefined {
  const { vcpus, ramMib, diskGib } = Object(value) as Partial<Record<keyof Capacity, unknown>>
  const read = [vcpus, ramMib, diskGib].map(Number)
  if (!read.every((amount) => Number.isFinite(amount))) return undefined
  const [vcpusRead = 0, ramRead = 0, diskRead = 0] = read
  return { vcpus: vcpusRead, ramMib: ramRead, diskGib: diskRead }
}
