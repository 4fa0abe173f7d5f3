/**
 * Finds the nearest sites and keeps finding them: positions say where to look, exchanges measure and teach.
 *
 *     start, or a round trip has changed
 *        │
 *        ▼          every stepMs: ask the `batch` best predicted      nothing better expected,
 *     searching ──▶ that were not measured ───────────────────────▶  or probesMax are spent ──▶ maintaining
 *        ▲                                                                                        │
 *        └──── a shorter way, or twice a longer  ◀──── every maintainMs: ask the near site ◀──────┘
 *                                                      that was asked longest ago
 *
 * An exchange teaches both ends: the round trip, the other's position, and its nearest sites. So the knowledge of a site
 * that searched before serves its neighbours (the descent of Meridian: Wong, Slivkins, Sirer, SIGCOMM 2005, over the
 * coordinates of Vivaldi), and what other traffic measured serves all of it. Nobody believes a round trip that it did not
 * measure: claims of others only say whom to ask next.
 */

import { assert, type CancelTimer, fraction } from '@atoll/kit'
import { distanceMs } from '../positions/position.ts'
import type { Positions } from '../positions/positions.ts'
import type { Contact } from '../protocol/contact.ts'
import type { Environment } from '../protocol/environment.ts'
import type { Message } from '../protocol/message.ts'
import type { Protocol } from '../protocol/protocol.ts'
import { Evidence } from './evidence.ts'
import { Exchanges } from './exchanges.ts'
import { readSpiralMessage, SPIRAL_TYPES, type SpiralMessage } from './messages.ts'
import type { NearestSites, NearSite } from './nearest-sites.ts'
import { rankSites } from './ranking.ts'
import { defaultSpiralSettings, type SpiralSettings } from './settings.ts'

export interface SpiralOptions {
  readonly environment: Environment
  /** Name of this site. */
  readonly site: string
  readonly positions: Positions
  /** How to reach a member of the cloud; undefined for whoever is none, or is dead. */
  readonly contactOf: (site: string) => Contact | undefined
  readonly settings?: Partial<SpiralSettings>
}

/** Of the exchanges that maintain, one of so many looks for something nearer. */
const EXPLORE_EVERY = 4

export class Spiral implements Protocol, NearestSites {
  readonly types = SPIRAL_TYPES
  readonly settings: SpiralSettings
  readonly #environment: Environment
  readonly #site: string
  readonly #positions: Positions
  readonly #contactOf: SpiralOptions['contactOf']
  readonly #evidence: Evidence
  readonly #exchanges: Exchanges
  /** Measured ones that may have moved: they are asked before others. */
  readonly #doubted = new Set<string>()
  /** Of sites whose last round trip was longer than known, how often in a row. */
  readonly #suspicions = new Map<string, number>()
  #budget = 0
  #probes = 0
  #maintained = 0
  #searchedMs = Number.NEGATIVE_INFINITY
  #cancelTimer: CancelTimer = () => {}
  #stopHearing: () => void = () => {}
  #isRunning = false

  constructor({ environment, site, positions, contactOf, settings }: SpiralOptions) {
    this.settings = Object.freeze({ ...defaultSpiralSettings, ...settings })
    this.#environment = environment
    this.#site = site
    this.#positions = positions
    this.#contactOf = contactOf
    const { measuredMax, silentMs } = this.settings
    this.#evidence = new Evidence({ measuredMax, toldMax: measuredMax >> 2 })
    this.#exchanges = new Exchanges({ random: environment.random, pendingMax: measuredMax, silentMs })
  }

  /** How many exchanges this site has started since it exists. */
  get probes(): number {
    return this.#probes
  }

  get isSearching(): boolean {
    return this.#budget > 0
  }

  start(): void {
    assert(!this.#isRunning, 'a spiral is started once')
    this.#isRunning = true
    this.#stopHearing = this.#positions.onMeasurement((site, rttMs) => this.#learn(site, rttMs))
    for (const { site, rttMs } of this.#positions.remembered()) this.#learn(site, rttMs)
    this.search()
    this.#schedule(this.settings.stepMs * fraction(this.#environment.random))
  }

  stop(): void {
    this.#isRunning = false
    this.#cancelTimer()
    this.#stopHearing()
  }

  /** Looks anew, with a full budget. */
  search(): void {
    this.#budget = this.settings.probesMax
  }

  /** Forgets a site that left or died. */
  delete(site: string): void {
    this.#evidence.delete(site)
    this.#exchanges.delete(site)
    this.#doubted.delete(site)
    this.#suspicions.delete(site)
  }

  receive(from: Contact, message: Message): void {
    const read = readSpiralMessage(message)
    if (!read || !this.#isRunning || from.site === this.#site) return
    if (read.type === 'spiral.ask') this.#send(from, 'spiral.tell', read.number)
    else {
      const rttMs = this.#exchanges.end(from.site, read.answers, this.#environment.clock.monotonicMs())
      if (rttMs === undefined) return
      if (read.type === 'spiral.tell') this.#send(from, 'spiral.thanks', read.number)
      this.#compare(from.site, rttMs)
      this.#positions.measured(from.site, read.position, rttMs)
    }
    this.#hear(from.site, read)
  }

  nearest(k: number): readonly NearSite[] {
    const ranking = this.outward()
    const measured = ranking.filter(({ isMeasured }) => isMeasured).slice(0, k)
    if (measured.length === k) return measured
    const predicted = ranking.filter(({ isMeasured }) => !isMeasured)
    return [...measured, ...predicted.slice(0, k - measured.length)].sort(byDistance)
  }

  outward(): readonly NearSite[] {
    const { candidatesMax, staleMs } = this.settings
    return rankSites({
      own: this.#positions.own,
      known: this.#positions.known(),
      positionOf: (site) => this.#positions.of(site),
      evidence: this.#evidence,
      candidatesMax,
      freshFromMs: this.#environment.clock.monotonicMs() - staleMs,
    }).filter(({ site }) => this.#contactOf(site) !== undefined)
  }

  nearestTo(site: string, k: number): readonly NearSite[] {
    if (site === this.#site) return this.nearest(k)
    const there = this.#positions.of(site)
    const told = this.#evidence.told.get(site)
    const found: NearSite[] = []
    for (const [other, position] of this.#positions.known()) {
      const toldMs = told?.get(other)
      const rttMs = toldMs ?? (there && distanceMs(there, position))
      if (other === site || rttMs === undefined || !this.#contactOf(other)) continue
      found.push({ site: other, rttMs, isMeasured: toldMs !== undefined })
    }
    const ownMs = this.#evidence.measured.get(site)?.rttMs
    if (ownMs !== undefined) found.push({ site: this.#site, rttMs: ownMs, isMeasured: true })
    return found.sort(byDistance).slice(0, k)
  }

  #schedule(delayMs: number): void {
    this.#cancelTimer()
    this.#cancelTimer = this.#environment.clock.after(delayMs, () => {
      const { stepMs, maintainMs } = this.settings
      this.#exchanges.expire(this.#environment.clock.monotonicMs())
      if (this.#budget > 0) this.#step()
      else this.#maintain()
      // By chance within a tenth, so that sites that started together do not stay together.
      const periodMs = this.#budget > 0 ? stepMs : maintainMs
      this.#schedule(periodMs * (0.95 + 0.1 * fraction(this.#environment.random)))
    })
  }

  #step(): void {
    const doubted = [...this.#doubted].filter((site) => this.#exchanges.isFree(site))
    const sites = [...doubted, ...this.#candidates()].slice(0, Math.min(this.settings.batch, this.#budget))
    if (sites.length === 0 && !this.#exchanges.isWaiting) this.#budget = 0
    this.#budget -= sites.length
    for (const site of sites) this.#ask(site)
  }

  /** Those not measured that may belong to the nearest, the most promising first. */
  #candidates(): readonly string[] {
    const ranking = this.outward()
    const kth = ranking.filter(({ isMeasured }) => isMeasured)[this.settings.k - 1]
    const worthMs = kth ? kth.rttMs * this.settings.worth : Number.POSITIVE_INFINITY
    return ranking
      .filter(
        ({ site, isMeasured, rttMs }) => !isMeasured && rttMs <= worthMs && this.#exchanges.isFree(site),
      )
      .map(({ site }) => site)
  }

  /** Asks the one of the nearest that was measured longest ago, and now and then a further one. */
  #maintain(): void {
    const { k } = this.settings
    const nearest = this.#evidence
      .byDistance()
      .filter(([site]) => this.#contactOf(site) && this.#exchanges.isFree(site))
      .slice(0, k)
      .sort(([, left], [, right]) => left.atMs - right.atMs)
      .map(([site]) => site)
    const isForExploring = nearest.length === 0 || this.#maintained++ % EXPLORE_EVERY === 0
    const site = (isForExploring ? this.#candidates()[0] : undefined) ?? nearest[0]
    if (site !== undefined) this.#ask(site)
  }

  #ask(site: string): void {
    const contact = this.#contactOf(site)
    this.#doubted.delete(site)
    if (!contact) return
    this.#probes++
    this.#send(contact, 'spiral.ask', 0)
  }

  #send(to: Contact, type: SpiralMessage['type'], answers: number): void {
    const position = this.#positions.load()
    const isLast = type === 'spiral.thanks'
    const number = isLast ? 0 : this.#begin(to.site, type === 'spiral.ask')
    const nearest = isLast ? [] : this.#list(to.site)
    this.#environment.send(to, { type, version: 1, number, answers, position, nearest } as SpiralMessage)
  }

  #begin(site: string, isOurs: boolean): number {
    const startedMs = this.#environment.clock.monotonicMs()
    const expectedMs = this.#evidence.measured.get(site)?.rttMs ?? this.#positions.distanceMs(site) ?? 0
    const deadlineMs = startedMs + Math.max(this.settings.timeoutMsMin, 3 * expectedMs)
    return this.#exchanges.begin({ site, startedMs, deadlineMs, isOurs })
  }

  #list(reader: string): SpiralMessage['nearest'] {
    const nearest = this.#evidence.byDistance().filter(([site]) => site !== reader && this.#contactOf(site))
    return nearest.slice(0, this.settings.listLength).map(([site, { rttMs }]) => {
      const position = this.#positions.of(site)
      const rounded = Math.max(0.01, Math.round(rttMs * 100) / 100)
      return position ? { site, rttMs: rounded, position } : { site, rttMs: rounded }
    })
  }

  /** Whatever measured it: the search, or other traffic. */
  #learn(site: string, rttMs: number): void {
    this.#evidence.add(site, rttMs, this.#environment.clock.monotonicMs())
  }

  /** A round trip that is not as known is measured again; when it is so again, the world has changed. */
  #compare(site: string, rttMs: number): void {
    const known = this.#evidence.measured.get(site)
    const { changedShare, changedMsMin } = this.settings
    const gapMs = rttMs - (known?.rttMs ?? rttMs)
    const isAsKnown = Math.abs(gapMs) < Math.max(changedMsMin, changedShare * (known?.rttMs ?? 0))
    const suspicions = isAsKnown ? 0 : (this.#suspicions.get(site) ?? 0) + 1
    this.#suspicions.delete(site)
    if (suspicions === 0) return
    // Delays only add: a shorter way is no accident, a longer one may be a queue.
    if (gapMs < 0 || suspicions === 2) {
      this.#positions.forgetDelays(site)
      this.#changed()
    } else {
      this.#suspicions.set(site, suspicions)
      this.#doubted.add(site)
      this.#budget = Math.max(this.#budget, 1)
      this.#schedule(this.settings.stepMs)
    }
  }

  /** Doubts all that is near, and searches, unless it just did. */
  #changed(): void {
    const nowMs = this.#environment.clock.monotonicMs()
    if (nowMs < this.#searchedMs + this.settings.searchMsMin) return
    this.#searchedMs = nowMs
    for (const [site] of this.#evidence.byDistance().slice(0, this.settings.k)) this.#doubted.add(site)
    this.search()
    this.#schedule(this.settings.stepMs)
  }

  #hear(site: string, { nearest = [] }: SpiralMessage): void {
    if (nearest.length === 0) return
    const told = new Map<string, number>()
    for (const entry of nearest) {
      if (entry.site === this.#site || entry.site === site) continue
      told.set(entry.site, entry.rttMs)
      this.#positions.heard(entry.site, entry.position)
    }
    this.#evidence.tell(site, told)
  }
}

function byDistance(left: NearSite, right: NearSite): number {
  return left.rttMs - right.rttMs || (left.site < right.site ? -1 : 1)
}
