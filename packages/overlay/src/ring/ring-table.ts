/**
 * What a site knows of the ring (Stoica et al.: "Chord: a scalable peer-to-peer lookup protocol for Internet applications",
 * IEEE/ACM ToN 2003): the site before it, the next ones after it, and for each power of two one further on.
 *
 *     predecessor ── self ── successor 1 ── … ── successor r
 *                     └────────── finger i in [self + 2^i, self + 2^(i+1)) ──────────▶
 *
 * Any site of a finger's stretch serves, so the nearest in time is taken (proximity neighbour selection: Gummadi et al.,
 * SIGCOMM 2003).
 */

import type { Contact } from '../protocol/contact.ts'
import { alongRing, isWithin, keyAfter, type RingKey, siteKey } from './ring-key.ts'

export interface Neighbour {
  readonly contact: Contact
  readonly key: RingKey
}

export function neighbour(contact: Contact): Neighbour {
  return { contact, key: siteKey(contact.site) }
}

export interface RingTableOptions {
  readonly self: Contact
  readonly successorsMax: number
  /** The predicted round trip to a site; undefined when nothing is known. */
  readonly rttMs: (site: string) => number | undefined
}

/** Of 2^20 sites each has a neighbour within the lowest stretch. */
const FINGERS = 20
const HIGHEST_EXPONENT = 127

export class RingTable {
  readonly self: Neighbour
  readonly #options: RingTableOptions
  readonly #order: (left: RingKey, right: RingKey) => number
  /** Where the stretch of each finger begins, the farthest first. */
  readonly #starts: readonly RingKey[]
  readonly #fingers: (Neighbour | undefined)[] = new Array(FINGERS).fill(undefined)
  #successors: readonly Neighbour[] = []
  #predecessor: Neighbour | undefined
  #lostPredecessor: Neighbour | undefined

  constructor(options: RingTableOptions) {
    this.#options = options
    this.self = neighbour(options.self)
    this.#order = alongRing(this.self.key)
    this.#starts = Array.from({ length: FINGERS }, (_, index) =>
      keyAfter(this.self.key, HIGHEST_EXPONENT - index),
    )
  }

  get successors(): readonly Neighbour[] {
    return this.#successors
  }

  get successor(): Neighbour | undefined {
    return this.#successors[0]
  }

  get predecessor(): Neighbour | undefined {
    return this.#predecessor
  }

  /** Where a finger is looked for. */
  fingerStart(index: number): RingKey {
    return this.#starts[index % FINGERS] ?? this.self.key
  }

  /** True when this site is the owner of the key, as far as it knows. */
  owns(key: RingKey): boolean {
    const { key: upTo } = this.self
    return this.#predecessor
      ? isWithin(key, { after: this.#predecessor.key, upTo })
      : this.#successors.length === 0
  }

  /** True when a site would come before the first successor. */
  isBetterSuccessor({ key }: Neighbour): boolean {
    if (key === this.self.key) return false
    const upTo = this.successor?.key ?? this.self.key
    return key !== upTo && isWithin(key, { after: this.self.key, upTo })
  }

  /** True when a site lies between the predecessor and this one. */
  isBetterPredecessor({ key }: Neighbour): boolean {
    if (key === this.self.key || key === this.#predecessor?.key) return false
    return !this.#predecessor || isWithin(key, { after: this.#predecessor.key, upTo: this.self.key })
  }

  /** Of all that is known between another site and this one, what comes first after the other: who it should follow with. */
  firstAfter(other: Neighbour): Neighbour | undefined {
    const order = alongRing(other.key)
    let first: Neighbour | undefined
    for (const one of [this.#predecessor, ...this.#fingers, ...this.#successors]) {
      if (!one || one.key === other.key || order(one.key, this.self.key) >= 0) continue
      if (!first || order(one.key, first.key) < 0) first = one
    }
    return first
  }

  /** Puts sites that are known to live among the successors. */
  addSuccessors(candidates: Iterable<Neighbour>): void {
    const byKey = new Map<RingKey, Neighbour>()
    for (const one of [...this.#successors, ...candidates])
      if (one.key !== this.self.key) byKey.set(one.key, one)
    this.#setSuccessors(byKey.values())
  }

  /** What the first successor says comes after it takes the place of what was known. */
  followSuccessor(first: Neighbour, itsSuccessors: readonly Neighbour[]): void {
    const before = this.#successors.filter(({ key }) => this.#order(key, first.key) < 0)
    const byKey = new Map<RingKey, Neighbour>()
    for (const one of [...before, first, ...itsSuccessors])
      if (one.key !== this.self.key) byKey.set(one.key, one)
    this.#setSuccessors(byKey.values())
  }

  /** The predecessor that was dropped last, while there is no other. */
  get lostPredecessor(): Neighbour | undefined {
    return this.#lostPredecessor
  }

  setPredecessor(predecessor: Neighbour): void {
    this.#predecessor = predecessor
    this.#lostPredecessor = undefined
  }

  /** Takes a site as finger where none is, or where it is nearer in time. */
  addFinger(candidate: Neighbour): void {
    if (candidate.key === this.self.key) return
    const index = this.#starts.findIndex((start) => this.#order(start, candidate.key) <= 0)
    if (index < 0) return
    const current = this.#fingers[index]
    const { rttMs } = this.#options
    const isNearer =
      (rttMs(candidate.contact.site) ?? Number.POSITIVE_INFINITY) < (rttMs(current?.contact.site ?? '') ?? 0)
    if (!current || isNearer) this.#fingers[index] = candidate
  }

  delete(site: string): void {
    const isOther = (one: Neighbour | undefined) => one?.contact.site !== site
    this.#successors = this.#successors.filter(isOther)
    for (const [index, finger] of this.#fingers.entries())
      if (!isOther(finger)) this.#fingers[index] = undefined
    if (isOther(this.#predecessor)) return
    this.#lostPredecessor = this.#predecessor
    this.#predecessor = undefined
  }

  /**
   * Whom to ask for the owner of a key: at most `count` sites before it, closest first, and when it lies between this site
   * and its successors also the first `count` of these at it or after it, who may be its owner.
   */
  towards(key: RingKey, count: number): readonly Neighbour[] {
    const before = new Map<RingKey, Neighbour>()
    for (const one of [...this.#successors, ...this.#fingers])
      if (one && one.key !== key && isWithin(one.key, { after: this.self.key, upTo: key }))
        before.set(one.key, one)
    const closest = [...before.values()]
      .sort((left, right) => this.#order(right.key, left.key))
      .slice(0, count)
    const after = this.#successors.filter((one) => !before.has(one.key)).slice(0, count)
    return [...closest, ...after]
  }

  #setSuccessors(all: Iterable<Neighbour>): void {
    this.#successors = [...all]
      .sort((left, right) => this.#order(left.key, right.key))
      .slice(0, this.#options.successorsMax)
  }
}
