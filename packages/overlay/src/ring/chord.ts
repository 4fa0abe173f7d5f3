/**
 * Chord, kept right under churn as Zave shows it must be ("Reasoning about identifier spaces: how to make Chord correct",
 * IEEE TSE 2017): a site is adopted as successor only after it has answered, a list of successors follows that of the
 * first, a predecessor is given up only when it is silent, and a site counts as joined when somebody follows with it.
 *
 *     every stabilizeMs:  ask the first successor what is around it
 *                         it knows a site between us?  ask that one; it answers: it is the first successor
 *                         silent?                           drop it, ask the next
 *                         a site that the membership names lies between us?  ask that one, too
 *     every mergeMs:      look up our own place by way of a site that the membership names: after islands have healed,
 *                         each of two rings so finds the successors that it has in the other
 */

import { assert, type CancelTimer, fraction, pick } from '@atoll/kit'
import type { Contact } from '../protocol/contact.ts'
import type { Environment } from '../protocol/environment.ts'
import type { Message } from '../protocol/message.ts'
import { Lookup } from './lookup.ts'
import { RING_TYPES, type RingMessage, readRingMessage } from './messages.ts'
import { isWithin, keyAfter, type RingKey } from './ring-key.ts'
import { type Neighbour, neighbour, RingTable } from './ring-table.ts'
import { defaultRingSettings, type RingSettings } from './settings.ts'
import type { LookupListener, StructuredOverlay } from './structured-overlay.ts'

export interface ChordOptions {
  readonly environment: Environment
  readonly self: Contact
  /** Some sites that live, by the membership; the ring begins and heals with them. */
  readonly seeds: () => readonly Contact[]
  /** The predicted round trip to a site. */
  readonly rttMs?: (site: string) => number | undefined
  readonly settings?: Partial<RingSettings>
}

interface Pending {
  readonly to: Neighbour
  readonly cancel: CancelTimer
  /** Undefined for silence. */
  readonly heard: (answer: RingMessage | undefined) => void
}

/** Each site before this one asks once a round. */
const HEIR_ROUNDS = 1.2

/** In an answer: closer ones, and owners if need be. */
const TOWARDS_COUNT = 4

export class Chord implements StructuredOverlay {
  readonly types = RING_TYPES
  readonly settings: RingSettings
  readonly #options: ChordOptions
  readonly #table: RingTable
  readonly #pending = new Map<number, Pending>()
  readonly #misses = new Map<string, number>()
  /** Those dropped: others may still speak of them. */
  readonly #silentUntilMs = new Map<string, number>()
  readonly #timers = new Map<string, CancelTimer>()
  /** Of lookups under way. */
  readonly #waiting = new Set<LookupListener>()
  #attempts = 0
  #finger = 0
  /** Who asks as predecessor while none is known. */
  #heirs: { readonly sinceMs: number; best: Neighbour } | undefined
  #predecessorMs = Number.NEGATIVE_INFINITY
  #isFollowed = false
  #isRunning = false

  constructor(options: ChordOptions) {
    this.settings = Object.freeze({ ...defaultRingSettings, ...options.settings })
    this.#options = options
    this.#table = new RingTable({
      self: options.self,
      successorsMax: this.settings.successors,
      rttMs: options.rttMs ?? (() => undefined),
    })
  }

  get isReady(): boolean {
    return this.#isFollowed
  }

  get successors(): readonly Contact[] {
    return this.#table.successors.map(({ contact }) => contact)
  }

  get predecessor(): Contact | undefined {
    return this.#table.predecessor?.contact
  }

  start(): void {
    assert(!this.#isRunning, 'a ring is started once')
    this.#isRunning = true
    const { stabilizeMs, fingerMs, mergeMs } = this.settings
    this.#every('stabilize', stabilizeMs, () => this.#stabilize())
    this.#every('finger', fingerMs, () => this.#fixFinger())
    this.#every('merge', mergeMs, () => this.#findPlace())
    this.#findPlace()
  }

  stop(): void {
    this.#isRunning = false
    for (const cancel of this.#timers.values()) cancel()
    for (const { cancel } of this.#pending.values()) cancel()
    this.#timers.clear()
    this.#pending.clear()
    for (const finish of [...this.#waiting]) finish(undefined)
  }

  lookup(key: RingKey, found: LookupListener): void {
    if (this.#table.owns(key)) found(this.#options.self)
    else this.#lookup(key, this.#table.towards(key, TOWARDS_COUNT), found)
  }

  hear(contact: Contact): void {
    if (this.#isRunning) this.#consider(neighbour(contact))
  }

  delete(site: string): void {
    this.#table.delete(site)
    this.#misses.delete(site)
  }

  receive(from: Contact, message: Message): void {
    const read = readRingMessage(message)
    if (!read || !this.#isRunning || from.site === this.#options.self.site) return
    this.#silentUntilMs.delete(from.site)
    if (read.type === 'ring.ask') this.#tellAround(from, read)
    else if (read.type === 'ring.find') this.#tellOwner(from, read)
    else {
      const pending = this.#pending.get(read.number)
      if (pending?.to.contact.site !== from.site) return
      this.#pending.delete(read.number)
      pending.cancel()
      this.#misses.delete(from.site)
      pending.heard(read)
    }
  }

  #tellAround(from: Contact, { number, isBefore = false }: RingMessage): void {
    const one = neighbour(from)
    const { successors } = this.#table
    const between = this.#table.firstAfter(one)
    if (isBefore) this.#isFollowedBy(one)
    // A ring of one becomes a ring of two.
    if (successors.length === 0) this.#table.addSuccessors([one])
    const contacts = successors.map(({ contact }) => contact)
    this.#send(from, { type: 'ring.around', number, predecessor: between?.contact, contacts })
  }

  /**
   * Takes a better predecessor at once. Where none is known, for one round the best of those who ask: the first may be a
   * newcomer far away, and this site would believe that it owns all between.
   */
  #isFollowedBy(one: Neighbour): void {
    const nowMs = this.#options.environment.clock.monotonicMs()
    if (this.#table.predecessor) {
      if (this.#table.isBetterPredecessor(one)) this.#table.setPredecessor(one)
    } else {
      this.#heirs ??= { sinceMs: nowMs, best: one }
      if (isWithin(one.key, { after: this.#heirs.best.key, upTo: this.#table.self.key }))
        this.#heirs.best = one
      if (nowMs < this.#heirs.sinceMs + HEIR_ROUNDS * this.settings.stabilizeMs) return
      this.#table.setPredecessor(this.#heirs.best)
    }
    this.#heirs = undefined
    if (this.#table.predecessor?.key !== one.key) return
    this.#predecessorMs = nowMs
    this.#isFollowed = true
  }

  #tellOwner(from: Contact, { number, key, isLast }: RingMessage): void {
    if (!key) return
    const { predecessor } = this.#table
    if (predecessor ? this.#table.owns(key) : isLast && this.#inherits(key)) {
      this.#send(from, { type: 'ring.found', number, isOwner: true })
      return
    }
    const contacts = this.#table.towards(key, TOWARDS_COUNT).map(({ contact }) => contact)
    this.#send(from, {
      type: 'ring.found',
      number,
      predecessor: isLast ? predecessor?.contact : undefined,
      contacts,
    })
  }

  /** Without a predecessor: what lay between the last one and this site is its own still; of the rest nobody knows yet. */
  #inherits(key: RingKey): boolean {
    const { lostPredecessor, self, successors } = this.#table
    const isAlone = successors.length === 0 && this.#options.seeds().length === 0
    if (!lostPredecessor) return isAlone
    return isWithin(key, { after: lostPredecessor.key, upTo: self.key })
  }

  #stabilize(): void {
    const nowMs = this.#options.environment.clock.monotonicMs()
    for (const [site, untilMs] of this.#silentUntilMs) if (untilMs <= nowMs) this.#silentUntilMs.delete(site)
    for (const contact of this.#options.seeds()) this.#consider(neighbour(contact))
    const { successor, predecessor } = this.#table
    const silentMs = nowMs - this.#predecessorMs
    if (predecessor && silentMs > 2 * this.settings.stabilizeMs)
      this.#ask(predecessor, { type: 'ring.ask', isBefore: false }, () => {})
    if (successor) this.#askSuccessor()
    else this.#findPlace()
  }

  #askSuccessor(): void {
    const { successor } = this.#table
    if (!successor) return
    this.#askAround(successor, ({ predecessor, contacts = [] }) =>
      this.#follow(successor, predecessor, contacts),
    )
  }

  /** Goes by what the successor says of what is around it. */
  #follow(successor: Neighbour, before: Contact | undefined, contacts: readonly Contact[]): void {
    this.#table.followSuccessor(successor, contacts.map(neighbour))
    this.#table.addFinger(successor)
    if (before) this.#consider(neighbour(before))
  }

  /** Adopts a site as successor when it would be a better one and answers. */
  #consider(one: Neighbour): void {
    if (this.#silentUntilMs.has(one.contact.site) || !this.#table.isBetterSuccessor(one)) return
    this.#askAround(one, ({ predecessor, contacts = [] }) => {
      if (!this.#table.isBetterSuccessor(one)) return
      this.#table.addSuccessors([one])
      this.#follow(one, predecessor, contacts)
    })
  }

  #askAround(to: Neighbour, heard: (around: RingMessage) => void): void {
    this.#ask(to, { type: 'ring.ask', isBefore: true }, (answer) => {
      if (answer?.type === 'ring.around') heard(answer)
    })
  }

  #fixFinger(): void {
    this.lookup(this.#table.fingerStart(this.#finger++), (owner) => {
      if (owner) this.#table.addFinger(neighbour(owner))
    })
  }

  /** Asks a site of the membership for whom comes after this one, in its ring if there are two. */
  #findPlace(): void {
    const others = this.#options.seeds().filter(({ site }) => site !== this.#options.self.site)
    if (others.length === 0) return
    const seed = neighbour(pick(this.#options.environment.random, others))
    this.#lookup(keyAfter(this.#table.self.key, 0), [seed], (owner) => {
      if (owner) this.#consider(neighbour(owner))
    })
  }

  #lookup(key: RingKey, first: readonly Neighbour[], found: LookupListener): void {
    if (this.#waiting.size >= this.settings.lookupsMax || !this.#isRunning) {
      found(undefined)
      return
    }
    const finish: LookupListener = (owner) => {
      if (this.#waiting.delete(finish)) found(owner)
    }
    this.#waiting.add(finish)
    this.#attempt(key, first, 1, finish)
  }

  /** Tries again a round later: by then neighbours have noticed what had changed. */
  #attempt(key: RingKey, first: readonly Neighbour[], attempt: number, found: LookupListener): void {
    const { questionsMax, attempts } = this.settings
    const isLastTry = attempt >= attempts
    const lookup = new Lookup({ key, self: this.#table.self, questionsMax, isLastTry })
    lookup.add(first)
    this.#continue(lookup, (owner) => {
      if (owner || isLastTry) {
        found(owner)
        return
      }
      const name = `attempt ${this.#attempts++}`
      const again = () => {
        this.#timers.delete(name)
        const towards = this.#table.towards(key, TOWARDS_COUNT)
        if (this.#table.owns(key)) found(this.#options.self)
        else this.#attempt(key, towards.length > 0 ? towards : first, attempt + 1, found)
      }
      this.#timers.set(name, this.#options.environment.clock.after(this.settings.stabilizeMs, again))
    })
  }

  #continue(lookup: Lookup, found: LookupListener): void {
    const step = lookup.next()
    if (step.kind !== 'ask') {
      found(step.kind === 'found' ? step.owner.contact : undefined)
      return
    }
    const { to, isLast } = step
    this.#ask(to, { type: 'ring.find', key: lookup.key, isLast }, (answer) => {
      if (answer?.isOwner) {
        found(to.contact)
        return
      }
      if (!answer) lookup.silent(to)
      else {
        const { contacts = [], predecessor } = answer
        if (isLast) lookup.denied(to, predecessor && neighbour(predecessor))
        else lookup.answered(to)
        lookup.add(contacts.map(neighbour))
      }
      this.#continue(lookup, found)
    })
  }

  #ask(to: Neighbour, fields: Partial<RingMessage>, heard: Pending['heard']): void {
    const { environment, rttMs } = this.#options
    const number = environment.random.below(0x1_0000_0000)
    const timeoutMs = Math.max(this.settings.timeoutMsMin, 3 * (rttMs?.(to.contact.site) ?? 0))
    const cancel = environment.clock.after(timeoutMs, () => {
      this.#pending.delete(number)
      this.#miss(to)
      heard(undefined)
    })
    this.#pending.set(number, { to, cancel, heard })
    this.#send(to.contact, { ...fields, number })
  }

  /** Drops a site that was silent too often. The first successor, or then the next, is asked again at once. */
  #miss(one: Neighbour): void {
    const { site } = one.contact
    const misses = (this.#misses.get(site) ?? 0) + 1
    this.#misses.set(site, misses)
    const isFirst = this.#table.successor?.key === one.key
    if (misses >= this.settings.misses) {
      this.delete(site)
      this.#silentUntilMs.set(site, this.#options.environment.clock.monotonicMs() + this.settings.silentMs)
    }
    if (isFirst) this.#askSuccessor()
  }

  #send(to: Contact, fields: Partial<RingMessage>): void {
    this.#options.environment.send(to, { version: 1, ...fields } as RingMessage)
  }

  #every(name: string, periodMs: number, action: () => void): void {
    const { clock, random } = this.#options.environment
    // By chance within a tenth, so that sites that started together do not stay together.
    const delayMs = periodMs * (0.95 + 0.1 * fraction(random))
    const next = () => {
      action()
      if (this.#isRunning) this.#every(name, periodMs, action)
    }
    this.#timers.set(name, clock.after(delayMs, next))
  }
}
