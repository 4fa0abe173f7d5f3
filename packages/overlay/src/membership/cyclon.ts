/**
 * Membership as published: S. Voulgaris, D. Gavidia, M. van Steen, "CYCLON: Inexpensive Membership Management for
 * Unstructured P2P Overlays", Journal of Network and Systems Management 13(2), 2005.
 *
 *     every period:  ages + 1; Q := oldest; Q leaves the view
 *     P ── shuffle: P itself with age 0, and shuffleLength - 1 others ──▶ Q
 *     P ◀── answer: shuffleLength entries of Q ──────────────────────── Q
 *     both take what is new to them: first into empty places, then into those of what they sent
 *
 * A dead Q does not answer and has left the view already; the next oldest is asked. A link moves and is never copied, so that every site keeps as
 * many links to it as before. A site joins by random walks from one contact, each of which swaps one link (§3.3).
 */

import { type CancelTimer, fraction } from '@atoll/kit'
import type { Contact } from '../protocol/contact.ts'
import type { Environment } from '../protocol/environment.ts'
import type { Message } from '../protocol/message.ts'
import type { Protocol } from '../protocol/protocol.ts'
import { type CyclonSettings, defaultCyclonSettings } from './cyclon-settings.ts'
import type { Descriptor, SignedDescriptor } from './descriptor.ts'
import type { DescriptorBook } from './descriptor-book.ts'
import { View, type ViewEntry } from './view.ts'
import { ViewCheck } from './view-check.ts'

export interface WireEntry {
  readonly descriptor: SignedDescriptor
  readonly age: number
}

export interface ShuffleMessage extends Message {
  /** `welcome` carries one entry to a site that joins: the one in whose place it came. */
  readonly type: 'cyclon.shuffle' | 'cyclon.answer' | 'cyclon.welcome'
  readonly entries: readonly WireEntry[]
}

/** `join` asks a contact to begin the walks; `walk` is one of them on its way. */
export interface WalkMessage extends Message {
  readonly type: 'cyclon.join' | 'cyclon.walk'
  readonly descriptor: SignedDescriptor
  readonly hops: number
}

/** What may enter the view beyond what the protocol says; see `AdmissionGuard`. */
export interface Admission {
  /** Called for each new entry of an exchange with the cycle of this site. */
  admits(descriptor: Descriptor, cycle: number): boolean
  /** An entry for the place of one that was not admitted; undefined leaves the place to what was sent. */
  replacement(): Descriptor | undefined
}

export interface CyclonOptions {
  readonly environment: Environment
  readonly book: DescriptorBook
  /** What this site says of itself at the moment. */
  readonly self: () => Descriptor
  readonly settings?: Partial<CyclonSettings>
  /** Asked when the view is empty; any one site that answers is enough. */
  readonly contacts?: () => readonly Contact[]
  readonly admission?: Admission
  /** True for a site that is known to be away: it does not enter the view. Asked after `onDescriptor`. */
  readonly isAway?: (site: string) => boolean
  /** Hears of each genuine descriptor that comes by. */
  readonly onDescriptor?: (descriptor: Descriptor) => void
}

export class Cyclon implements Protocol {
  readonly types = [
    'cyclon.shuffle',
    'cyclon.answer',
    'cyclon.join',
    'cyclon.walk',
    'cyclon.welcome',
    'cyclon.check',
    'cyclon.here',
  ]
  readonly view: View
  readonly settings: CyclonSettings
  readonly #options: CyclonOptions
  /** What was sent in the exchange that waits for its answer. */
  #sent: readonly ViewEntry[] = []
  #partner: Descriptor | undefined
  /** Sites that did not answer, with the cycle in which they were asked. */
  readonly #silent = new Map<string, { readonly cycle: number; readonly incarnation: number }>()
  readonly #check: ViewCheck
  /** Until this cycle the view is checked in each: who is not alarmed yet brings more of the dead. */
  #alarmedUntil = 0
  #partners = 0
  #cycle = 0
  #cancelAnswer: CancelTimer = () => {}
  #cancel: CancelTimer = () => {}
  #cancelJoin: CancelTimer = () => {}
  /** Joins that were begun in this period, by contact: a walk is cheap to ask for and costs others. */
  readonly #joined = new Set<string>()

  constructor(options: CyclonOptions) {
    this.#options = options
    this.settings = { ...defaultCyclonSettings, ...options.settings }
    this.view = new View(this.settings.cacheSize)
    this.#check = new ViewCheck({
      environment: options.environment,
      answerMsMax: this.settings.answerMsMax,
      onSilent: (silent) => {
        for (const descriptor of silent) {
          this.view.remove(descriptor.contact.site)
          this.#rememberSilent(descriptor)
        }
        // Where one died more may have, and others will bring links to them for a while.
        this.#alarmedUntil = this.#cycle + ALARM_CYCLES
      },
    })
  }

  /** How many periods have passed. */
  get cycle(): number {
    return this.#cycle
  }

  start(): void {
    const { clock, random } = this.#options.environment
    this.#cancel = clock.after(this.settings.periodMs * fraction(random), this.#onPeriod)
    this.#join()
  }

  stop(): void {
    this.#cancel()
    this.#cancelJoin()
    this.#cancelAnswer()
    this.#check.stop()
  }

  /** Puts sites into the view without asking them: how a graph of a given form begins. */
  seed(descriptors: readonly Descriptor[]): void {
    for (const descriptor of descriptors) if (!this.view.isFull) this.#insert(descriptor, 0)
  }

  /** Exchanges with a certain site now, so that two parts of the graph that have met grow together. */
  shuffleWith(descriptor: Descriptor): void {
    this.#shuffle(descriptor)
  }

  /** A site is known to be gone: no need to ask it. */
  forget(site: string): void {
    this.view.remove(site)
  }

  receive(from: Contact, message: Message): void {
    switch (message.type) {
      case 'cyclon.shuffle':
        this.#answer(from, message as ShuffleMessage)
        break
      case 'cyclon.answer':
        this.#hearAnswer(from, message as ShuffleMessage)
        break
      case 'cyclon.welcome':
        // It fills an empty place or nothing: nobody can push entries out of a view unasked.
        this.#take((message as ShuffleMessage).entries, [])
        break
      case 'cyclon.join':
        this.#beginWalks(from, message as WalkMessage)
        break
      case 'cyclon.check':
        this.#options.environment.send(from, { type: 'cyclon.here', version: 1 })
        break
      case 'cyclon.here':
        this.#check.heard(from.site)
        break
      case 'cyclon.walk':
        this.#walk(message as WalkMessage)
    }
  }

  readonly #onPeriod = (): void => {
    const { environment } = this.#options
    const { periodMs, periodJitter } = this.settings
    const jitterMs = periodMs * periodJitter * (fraction(environment.random) - 0.5)
    this.#cancel = environment.clock.after(periodMs + jitterMs, this.#onPeriod)
    this.#cycle++
    this.#joined.clear()
    this.#partners = 0
    this.view.grow()
    this.#shuffleWithOldest()
    if (this.#cycle < this.#alarmedUntil) this.#checkView()
  }

  #checkView(): void {
    if (this.settings.partnersMax === 1) return
    this.#check.begin(this.view.entries.map(({ descriptor }) => descriptor))
  }

  /** Who has not answered yet is not handed on: dead links would spread faster than they are found. */
  readonly #isDoubted = ({ descriptor }: ViewEntry): boolean => this.#check.isDoubted(descriptor.contact.site)

  #shuffleWithOldest(): void {
    const oldest = this.view.oldest()
    if (oldest) this.#shuffle(oldest.descriptor)
    else this.#join()
  }

  readonly #onSilence = (): void => {
    if (this.#partner === undefined) return
    this.#rememberSilent(this.#partner)
    this.#partner = undefined
    this.#sent = []
    this.#checkView()
    if (this.#partners < this.settings.partnersMax) this.#shuffleWithOldest()
  }

  #rememberSilent({ contact, incarnation }: Descriptor): void {
    if (this.#silent.size >= SILENT_MAX) this.#silent.clear()
    this.#silent.set(contact.site, { cycle: this.#cycle, incarnation })
  }

  #shuffle(to: Descriptor): void {
    const { environment } = this.#options
    this.#cancelAnswer()
    this.#cancelAnswer = environment.clock.after(this.settings.answerMsMax, this.#onSilence)
    this.#partners++
    this.view.remove(to.contact.site)
    const others = this.view.sample(this.settings.shuffleLength - 1, environment.random, this.#isDoubted)
    this.#sent = others
    this.#partner = to
    const entries = [{ descriptor: this.#options.self().signed, age: 0 }, ...others.map(toWire)]
    environment.send(to.contact, { type: 'cyclon.shuffle', version: 1, entries } as ShuffleMessage)
  }

  #answer(from: Contact, { entries }: ShuffleMessage): void {
    const { environment } = this.#options
    // What is on its way to another site must not be given away twice: a link moves.
    const isWithheld = (entry: ViewEntry) => this.#sent.includes(entry) || this.#isDoubted(entry)
    const sent = this.view.sample(this.settings.shuffleLength, environment.random, isWithheld)
    environment.send(from, { type: 'cyclon.answer', version: 1, entries: sent.map(toWire) } as ShuffleMessage)
    this.#take(entries, sent)
  }

  #hearAnswer(from: Contact, { entries }: ShuffleMessage): void {
    if (from.site !== this.#partner?.contact.site) return
    this.#cancelAnswer()
    this.#partner = undefined
    this.#take(entries, this.#sent)
    this.#sent = []
  }

  /** §2: discard oneself and what is known; fill empty places, then those of what was sent. */
  #take(entries: readonly WireEntry[], sent: readonly ViewEntry[]): void {
    if (!Array.isArray(entries)) return
    // Of what was sent the youngest go first: a link that is copied, because something known came back, dies soon.
    const places = sent.toSorted((left, right) => right.age - left.age)
    for (const entry of entries.slice(0, this.settings.shuffleLength)) {
      const descriptor = this.#read(entry?.descriptor)
      if (!descriptor || this.#isSilent(descriptor)) continue
      const { admission } = this.#options
      const isAdmitted =
        !admission || this.view.has(descriptor.contact.site) || admission.admits(descriptor, this.#cycle)
      const admitted = isAdmitted ? descriptor : admission?.replacement()
      if (admitted) this.#place(admitted, isAdmitted ? ageOf(entry) : 0, places)
    }
    if (this.#cycle < this.#alarmedUntil) this.#checkView()
  }

  /**
   * True while a site that did not answer us is not asked for again, unless it has said something new since. Ages do
   * not tell which entries it made before: one that moves between two periods does not age.
   */
  #isSilent({ contact, incarnation }: Descriptor): boolean {
    const silence = this.#silent.get(contact.site)
    if (!silence) return false
    if (silence.incarnation === incarnation && this.#cycle - silence.cycle < this.settings.cacheSize)
      return true
    this.#silent.delete(contact.site)
    return false
  }

  #place(descriptor: Descriptor, age: number, places: ViewEntry[]): void {
    const { view } = this
    const { site } = descriptor.contact
    if (site === this.#options.self().contact.site) return
    if (view.has(site)) {
      view.renew(descriptor)
      return
    }
    // The place of a partner is kept for its answer.
    while (view.entries.length >= view.sizeMax - (this.#partner === undefined ? 0 : 1)) {
      const place = places.pop()
      if (!place) return
      view.remove(place.descriptor.contact.site)
    }
    view.add({ descriptor, age })
  }

  #read(value: unknown): Descriptor | undefined {
    const descriptor = this.#options.book.read(value)
    if (descriptor?.state !== 'alive') return undefined
    const { onDescriptor, isAway } = this.#options
    onDescriptor?.(descriptor)
    return isAway?.(descriptor.contact.site) ? undefined : descriptor
  }

  #join(): void {
    const { environment, contacts, self } = this.#options
    this.#cancelJoin()
    if (this.view.entries.length * 2 >= this.settings.cacheSize) return
    const known = contacts?.() ?? []
    const contact = known[known.length === 0 ? 0 : environment.random.below(known.length)]
    if (!contact) return
    const descriptor = self().signed
    const { walkHops } = this.settings
    environment.send(contact, { type: 'cyclon.join', version: 1, descriptor, hops: walkHops } as WalkMessage)
    this.#cancelJoin = environment.clock.after(this.settings.joinRetryMs, () => this.#join())
  }

  #beginWalks(from: Contact, message: WalkMessage): void {
    const { environment } = this.#options
    const joiner = this.#read(message.descriptor)
    // A walk for somebody else would let one site fill the views with another.
    if (!joiner || joiner.contact.site !== from.site || this.#joined.has(from.site)) return
    this.#joined.add(from.site)
    const { cacheSize, walkHops } = this.settings
    if (this.view.entries.length < cacheSize) this.#endWalk(joiner)
    const walk = { type: 'cyclon.walk', version: 1, descriptor: joiner.signed, hops: walkHops - 1 }
    for (let count = 0; count < cacheSize; count++) {
      const [first] = this.view.sample(1, environment.random)
      if (first) environment.send(first.descriptor.contact, walk as WalkMessage)
    }
  }

  #walk(message: WalkMessage): void {
    const { environment } = this.#options
    const joiner = this.#read(message.descriptor)
    if (!joiner) return
    const [next] = this.view.sample(1, environment.random)
    if (!(message.hops > 0) || !next) {
      this.#endWalk(joiner)
      return
    }
    const hops = Math.min(message.hops, this.settings.walkHops) - 1
    environment.send(next.descriptor.contact, { ...message, hops } as WalkMessage)
  }

  /** The joiner takes the place of one entry, which becomes the joiner's: in-degrees stay what they were. */
  #endWalk(joiner: Descriptor): void {
    const { environment, self } = this.#options
    const { site } = joiner.contact
    if (site === self().contact.site || this.view.has(site)) return
    const [replaced] = this.view.isFull ? this.view.sample(1, environment.random) : []
    if (replaced) this.view.remove(replaced.descriptor.contact.site)
    this.view.add({ descriptor: joiner, age: 0 })
    const entry = replaced ? toWire(replaced) : { descriptor: self().signed, age: 0 }
    environment.send(joiner.contact, {
      type: 'cyclon.welcome',
      version: 1,
      entries: [entry],
    } as ShuffleMessage)
  }

  #insert(descriptor: Descriptor, age: number): void {
    const { site } = descriptor.contact
    if (site !== this.#options.self().contact.site && !this.view.has(site)) this.view.add({ descriptor, age })
  }
}

/** About the longest life of a link in a view of 20. */
const ALARM_CYCLES = 20

/** So many silent sites are remembered; all are forgotten when there are more. */
const SILENT_MAX = 4096

function toWire({ descriptor, age }: ViewEntry): WireEntry {
  return { descriptor: descriptor.signed, age }
}

function ageOf({ age }: WireEntry): number {
  return Number.isInteger(age) && age >= 0 ? Math.min(age, 1_000_000) : 0
}
