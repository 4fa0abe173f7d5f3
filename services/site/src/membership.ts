/**
 * The peers of this site and whether they live. Each raises a number in the shared store every few seconds; whose number
 * did not rise for a while, on the clock of whoever looks, is silent:
 *
 *     alive ──no beat for some of its intervals──▶ silent ──beat──▶ alive          alive ──goodbye──▶ gone
 *
 * How long that is depends on how often its number rose lately: on a store that is far or has much to do beats are late at all
 * peers, and hosts that change hands then make it worse.
 * Silence proves nothing (a peer may only be slow), so nothing that must not happen twice hangs on it: see `HostOwnership`.
 */

import { type Clock, type Logger, type Random, Reconciler, type Service } from '@atoll/kit'
import type { Queries } from '@atoll/rome'
import type { State } from '@atoll/state'
import { PeerNameTaken } from './errors.ts'
import { type PeerAddress, peerBeats, peers } from './tables.ts'

/** One small row is written so often. Shorter: a dead peer is noticed sooner; longer: an idle store is written less. */
export const BEAT_MS = 3_000
/** Three beats may be lost or late. Shorter moves hosts sooner, and sometimes from a peer that was only slow. */
export const SILENT_MS = 10_000
/** So many intervals of a peer that beats slower than that; a host of a dead one waits no longer than the most. */
const SILENT_INTERVALS = SILENT_MS / BEAT_MS
const SILENT_MS_MAX = 60_000
/** The longest of a peer's intervals counts less with each beat that comes. */
const INTERVAL_DECAY = 0.9

export interface PeerDescription {
  readonly name: string
  readonly addresses: readonly PeerAddress[]
  readonly apiUrl: string
  /** Names of the hosts that it could serve. */
  readonly hosts: readonly string[]
}

export interface KnownPeer extends PeerDescription {
  readonly incarnation: string
  readonly isAlive: boolean
}

export interface MembershipOptions {
  readonly state: State
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly self: PeerDescription
}

interface Sighting {
  readonly incarnation: string
  readonly beat: number
  /** On our monotonic clock: when the beat was first seen. */
  readonly seenMs: number
  /** The longest time between two of its beats, of those lately. */
  readonly intervalMs: number
  readonly hasLeft: boolean
}

export class Membership {
  readonly self: PeerDescription
  /** Of this process. */
  readonly incarnation: string
  readonly #options: MembershipOptions
  readonly #descriptions = new Map<string, PeerDescription & { readonly incarnation: string }>()
  readonly #sightings = new Map<string, Sighting>()
  readonly #listeners = new Set<() => void>()
  #beat = 0
  #lookedMs = 0
  #isSuperseded = false
  #aliveNames = ''

  constructor(options: MembershipOptions) {
    this.#options = options
    this.self = options.self
    this.incarnation = Buffer.from(options.random.bytes(9)).toString('base64url')
  }

  /** All peers that the site ever had and that did not say goodbye, this one included, by name. */
  get all(): readonly KnownPeer[] {
    const known = [...this.#descriptions.values()].filter(({ name }) => !this.#sightings.get(name)?.hasLeft)
    return known.map((peer) => ({ ...peer, isAlive: this.isAlive(peer.name) })).sort(byName)
  }

  get alive(): readonly KnownPeer[] {
    return this.all.filter(({ isAlive }) => isAlive)
  }

  /** The live peers but this one. */
  get others(): readonly KnownPeer[] {
    return this.alive.filter(({ name }) => name !== this.self.name)
  }

  /** True at one live peer, as long as all see the same ones: for what one should do, and two may do without harm. */
  get isSteward(): boolean {
    return (this.alive[0]?.name ?? this.self.name) === this.self.name
  }

  /** True when another process has begun under our name: this one must not take anything any more. */
  get isSuperseded(): boolean {
    return this.#isSuperseded
  }

  isAlive(name: string): boolean {
    if (name === this.self.name) return true
    const sighting = this.#sightings.get(name)
    if (!sighting || sighting.hasLeft) return false
    // As of the last look: of the time in which nobody looked, a slow process of our own, it says nothing.
    const silentMs = Math.min(SILENT_MS_MAX, SILENT_INTERVALS * sighting.intervalMs)
    return this.#lookedMs - sighting.seenMs <= Math.max(SILENT_MS, silentMs)
  }

  /** Called after a look that found other live peers than the one before. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Introduces this peer and looks who else is there. @throws PeerNameTaken */
  async open(): Promise<void> {
    const { state } = this.#options
    const { name, addresses, apiUrl, hosts } = this.self
    await state.transaction(async ({ queries }) => {
      const row = { incarnation: this.incarnation, addresses, api_url: apiUrl, hosts }
      await queries
        .insertInto(peers.name)
        .values({ name, ...row })
        .onConflict((conflict) => conflict.column('name').doUpdateSet(row))
        .execute()
      await this.#writeBeat(queries, 0, (await this.#beatRow(queries)) !== undefined)
    })
    await this.look()
  }

  service(): Service {
    const { clock, log } = this.#options
    const beat = new Reconciler({
      name: 'peers of this site',
      clock,
      log,
      intervalMs: BEAT_MS,
      pass: () => this.#pass(),
    })
    return { name: beat.name, run: (signal) => beat.run(signal) }
  }

  /** Tells the others not to wait for us. */
  async leave(): Promise<void> {
    await this.#options.state.transaction(async ({ queries }) => {
      await queries
        .updateTable(peerBeats.name)
        .set({ has_left: true })
        .where('name', '=', this.self.name)
        .where('incarnation', '=', this.incarnation)
        .execute()
    })
  }

  /** Reads who has given a sign of life since the last look. */
  async look(): Promise<void> {
    const { state, clock } = this.#options
    const beats = await state.local(peerBeats).selectAll().execute()
    const nowMs = clock.monotonicMs()
    this.#lookedMs = nowMs
    for (const { name, incarnation, beat, has_left: hasLeft } of beats) {
      const before = this.#sightings.get(name)
      const known = before?.incarnation === incarnation ? before : undefined
      const rise = known ? beat - known.beat : 0
      const seenMs = known && rise === 0 ? known.seenMs : nowMs
      const lately = known ? known.intervalMs * INTERVAL_DECAY ** rise : 0
      const intervalMs = known && rise > 0 ? Math.max(lately, (nowMs - known.seenMs) / rise) : lately
      this.#sightings.set(name, { incarnation, beat, seenMs, intervalMs, hasLeft })
    }
    if (beats.some(({ name, incarnation }) => this.#descriptions.get(name)?.incarnation !== incarnation))
      await this.#readDescriptions()
    this.#tell()
  }

  async #pass(): Promise<void> {
    const beat = this.#beat + 1
    const isOurs = await this.#options.state.transaction(async ({ queries }) => {
      const row = await this.#beatRow(queries)
      // A later process under our name has begun: two with one name would take each other's hosts back and forth.
      if (row && row.incarnation !== this.incarnation) return false
      await this.#writeBeat(queries, beat, row !== undefined)
      return true
    })
    this.#isSuperseded = !isOurs
    if (!isOurs) throw PeerNameTaken({ name: this.self.name })
    this.#beat = beat
    await this.look()
  }

  #beatRow(queries: Queries): Promise<{ readonly incarnation?: unknown } | undefined> {
    return queries
      .selectFrom(peerBeats.name)
      .selectAll()
      .where('name', '=', this.self.name)
      .executeTakeFirst()
  }

  async #writeBeat(queries: Queries, number: number, isKnown: boolean): Promise<void> {
    const { name } = this.self
    const beat = { incarnation: this.incarnation, beat: number, has_left: false }
    if (isKnown) await queries.updateTable(peerBeats.name).set(beat).where('name', '=', name).execute()
    else
      await queries
        .insertInto(peerBeats.name)
        .values({ name, ...beat })
        .execute()
  }

  async #readDescriptions(): Promise<void> {
    for (const row of await this.#options.state.local(peers).selectAll().execute()) {
      const { name, incarnation, addresses, api_url: apiUrl, hosts } = row
      this.#descriptions.set(name, { name, incarnation, addresses, apiUrl, hosts })
    }
  }

  #tell(): void {
    const names = this.alive.map(({ name, incarnation }) => `${name} ${incarnation}`).join(',')
    if (names === this.#aliveNames) return
    this.#aliveNames = names
    this.#options.log.info({ alive: this.alive.map(({ name }) => name) }, 'the live peers of this site')
    for (const listener of this.#listeners) listener()
  }
}

const byName = (left: { readonly name: string }, right: { readonly name: string }) =>
  left.name < right.name ? -1 : 1
