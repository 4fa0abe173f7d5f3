/**
 * The overlay as this peer runs it, and as services see it: who is there and in which state, how far everybody is, who is
 * next on the ring, and news for all. A site has one overlay, run by its steward; at its other peers nothing is known here.
 *
 *     datagrams of other sites ──▶ accept ──▶ OverlaySite ──▶ PeerCarrier ──▶ transport
 *                                    │ not run here ──▶ the steward's peer
 */

import { type Clock, type Logger, type Random, Reconciler, Refresher, type Service } from '@atoll/kit'
import {
  type Contact,
  DescriptorBook,
  type NearSite,
  Notifications,
  OverlaySite,
  PeerCarrier,
  type PeerTransport,
  type PlannedState,
  type Position,
  type Rumour,
  type Signatures,
  type SiteState,
  type StructuredOverlay,
  type Topic,
} from '@atoll/overlay'
import type { Store } from '@atoll/rome'
import type { State } from '@atoll/state'
import type { Directory, SiteHint } from '../directory.ts'
import { OverlayElsewhere, SiteUnknown } from '../errors.ts'
import type { PeerAddress } from '../records.ts'
import { type Distances, distancesOf } from './distances.ts'
import { isAtHome } from './is-at-home.ts'
import { OverlayMemory } from './overlay-memory.ts'

export interface PeerOverlayOptions {
  readonly state: State
  readonly store: Store
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly transport: PeerTransport
  readonly directory: Directory
  readonly signatures: Signatures
  /** Where the peers of this site listen at the moment. */
  readonly addresses: () => readonly PeerAddress[]
  /** Gives datagrams of another site to the peer that runs the overlay; undefined where there is none. */
  readonly handOver?: (site: string, body: Buffer) => Promise<Buffer | undefined>
}

/** Another site as the overlay knows it. */
export interface OverlayMember {
  readonly site: string
  readonly state: SiteState
  /** How long it has been in this state, as far as this peer has seen. */
  readonly forMs: number
  readonly addresses: readonly PeerAddress[]
}

/** Sites that are asked first, by chance, of all that are known. */
const CONTACTS = 8
/** Descriptors in one datagram: eight of the largest fit. */
const RUMOURS_MAX = 8
/** What is known is written so often at most. Shorter: a crash forgets less; longer: an idle store is written less. */
const KEEP_MS = 30_000

export class PeerOverlay implements Service {
  readonly name = 'overlay'
  /** Joins, states, neighbours and distances; subscriptions outlive a change of the steward. */
  readonly notifications = new Notifications()
  readonly signatures: Signatures
  readonly #options: PeerOverlayOptions
  readonly #topics: Topic[] = []
  readonly #hints = new Map<string, SiteHint>()
  readonly #learning: Refresher
  #running: { readonly site: OverlaySite; readonly carrier: PeerCarrier; sinceMs: number } | undefined

  constructor(options: PeerOverlayOptions) {
    this.#options = options
    this.signatures = options.signatures
    this.#learning = new Refresher({ clock: options.clock, refresh: () => this.#tellDirectory() })
  }

  /** True at the peer that speaks for the site: elsewhere all answers are empty, and nothing is told. */
  get isRunning(): boolean {
    return this.#running !== undefined
  }

  /** All other sites that ever were there, whatever their state. */
  get members(): readonly OverlayMember[] {
    return (this.#running?.site.table.all ?? []).map((member) => this.#describe(member))
  }

  /** What this site says of itself, since it runs the overlay. */
  get self(): OverlayMember | undefined {
    const running = this.#running
    if (!running) return undefined
    const { contact, state } = running.site.self
    const forMs = this.#options.clock.monotonicMs() - running.sinceMs
    return { site: contact.site, state, forMs, addresses: contact.addresses }
  }

  find(site: string): OverlayMember | undefined {
    const member = this.#running?.site.table.find(site)
    return member && this.#describe(member)
  }

  /** Who is responsible for a key, and who is next; undefined where the overlay does not run. */
  get ring(): StructuredOverlay | undefined {
    return this.#running?.site.space?.ring
  }

  /** The `k` sites with the shortest round trips. */
  nearest(k: number): readonly NearSite[] {
    return this.#running?.site.space?.spiral.nearest(k) ?? []
  }

  /** All sites that can be reached, the nearest first. */
  outward(): readonly NearSite[] {
    return this.#running?.site.space?.spiral.outward() ?? []
  }

  /** The `k` sites that are nearest to another one, this one included, by what it told and by prediction. */
  nearestTo(site: string, k: number): readonly NearSite[] {
    return this.#running?.site.space?.spiral.nearestTo(site, k) ?? []
  }

  /** How far all sites are from each other. @throws OverlayElsewhere where the overlay does not run */
  distances(): Distances {
    if (!this.isRunning) throw OverlayElsewhere({})
    return distancesOf(this)
  }

  /** As `nearestTo`, for whoever may ask in vain. @throws OverlayElsewhere, SiteUnknown */
  requireNearestTo(site: string, k: number): readonly NearSite[] {
    if (!this.isRunning) throw OverlayElsewhere({})
    if (!this.positionOf(site)) throw SiteUnknown({ site })
    return this.nearestTo(site, k)
  }

  /** The predicted round trip between two sites. */
  predictedMs(site: string, other: string): number | undefined {
    return this.#running?.site.space?.positions.distanceMs(site, other)
  }

  /** Of this site, or of another one as it said last. */
  positionOf(site: string): Position | undefined {
    return this.#running?.site.space?.positions.of(site)
  }

  /** Where a site says itself that it listens: newer than its record, while its feed is away. */
  addressesOf(site: string): readonly PeerAddress[] {
    return this.#running?.site.table.find(site)?.descriptor.contact.addresses ?? []
  }

  /** The rules of one kind of news. Callers add all topics before the services of the peer start. */
  addTopic(topic: Topic): void {
    this.#topics.push(topic)
  }

  /**
   * Tells all sites something; false where the overlay does not run. What all peers of a site see, as what is committed,
   * they all try to tell: the steward's word goes out.
   */
  tell(rumour: Rumour): boolean {
    this.#running?.site.tell(rumour)
    return this.isRunning
  }

  /** Tells all sites that this one sleeps or is back. */
  announce(state: PlannedState): void {
    if (!this.#running || this.#running.site.self.state === state) return
    this.#running.site.announce(state)
    this.#running.sinceMs = this.#options.clock.monotonicMs()
  }

  /** What this site says of itself has changed, or who may take part. */
  refresh(): void {
    const { addresses, directory } = this.#options
    const site = this.#running?.site
    if (!site) return
    site.describe(addresses())
    for (const name of site.table.all.map((member) => member.site))
      if (directory.isRevoked(name)) site.shutOut(name)
  }

  /** Takes in datagrams of a verified site; undefined when they are lost, as no peer of this site runs the overlay. */
  async accept(site: string, body: Buffer): Promise<Buffer | undefined> {
    return this.acceptHere(site, body) ?? (await this.#options.handOver?.(site, body))
  }

  /** As `accept`, for what another peer of this site hands over. */
  acceptHere(site: string, body: Buffer): Buffer | undefined {
    return this.#running?.carrier.accept(site, body)
  }

  async run(signal: AbortSignal): Promise<void> {
    const { state, store, clock, log, directory } = this.#options
    const memory = new OverlayMemory({ state, store })
    const site = await this.#start(memory)
    const stopListening = directory.onChange(() => this.refresh())
    try {
      this.refresh()
      const keeper = new Reconciler({
        name: 'memory of the overlay',
        clock,
        log,
        intervalMs: KEEP_MS,
        pass: () => memory.keep(site),
      })
      await keeper.run(signal)
    } finally {
      stopListening()
      site.stop()
      this.#running?.carrier.close()
      this.#running = undefined
    }
  }

  async #start(memory: OverlayMemory): Promise<OverlaySite> {
    const { clock, random, transport, state, directory, addresses } = this.#options
    const { members, position } = await memory.load()
    const book = new DescriptorBook(this.signatures)
    const carrier = new PeerCarrier({
      transport,
      self: () => site.self.contact,
      receive: (from, message) => site.receive(from, message),
    })
    const isDormant = directory.find(state.site.name)?.standing === 'dormant'
    const site = new OverlaySite({
      environment: { clock, random, send: (to, message) => carrier.send(to, message) },
      signatures: this.signatures,
      addresses: addresses(),
      contacts: () => (isAtHome(site.cyclon, site.table) ? [] : this.#contacts()),
      dissemination: { rumoursMax: RUMOURS_MAX },
      topics: this.#topics,
      space: position ? { own: position } : {},
      notifications: this.notifications,
      book,
      ...(isDormant ? { state: 'dormant' as const } : {}),
    })
    for (const signed of members) {
      const descriptor = book.read(signed)
      if (descriptor) site.learn(descriptor)
    }
    memory.loaded(site)
    site.table.onChange((member, before) => {
      if (before === undefined) this.#hint(member.descriptor.contact)
    })
    for (const { descriptor } of site.table.all) this.#hint(descriptor.contact)
    this.#running = { site, carrier, sinceMs: clock.monotonicMs() }
    site.start()
    return site
  }

  /** Some sites that may be there, by chance, so that not all ask the same one. */
  #contacts(): readonly Contact[] {
    const { directory, random } = this.#options
    const others = directory.others.filter(({ standing }) => standing !== 'revoked')
    const count = Math.min(CONTACTS, others.length)
    for (let place = 0; place < count; place++) {
      const other = place + random.below(others.length - place)
      const [left, right] = [others[place], others[other]]
      if (left && right) [others[place], others[other]] = [right, left]
    }
    return others.slice(0, count).map(({ name, addresses }) => ({ site: name, addresses }))
  }

  /** A site that the overlay has found is one for the directory: its feed is followed from now on. */
  #hint({ site, addresses }: Contact): void {
    if (this.#options.directory.find(site)) return
    this.#hints.set(site, { name: site, addresses })
    this.#learning.request()
  }

  async #tellDirectory(): Promise<void> {
    const hints = [...this.#hints.values()]
    await this.#options.directory.learn(hints)
    for (const { name } of hints) this.#hints.delete(name)
  }

  #describe(member: OverlaySite['table']['all'][number]): OverlayMember {
    const { site, state, sinceMs, descriptor } = member
    const forMs = this.#options.clock.monotonicMs() - sinceMs
    return { site, state, forMs, addresses: descriptor.contact.addresses }
  }
}
