/** All sites that this one knows, with their states; each change is told to whoever listens. */

import type { Clock, Random } from '@atoll/kit'
import type { Descriptor } from '../membership/descriptor.ts'
import { NameNumbers, putAt } from '../protocol/name-numbers.ts'
import { Member, ringKeyOf, type SiteState } from './member.ts'

/** `before` is undefined for a site that was not known. */
export type MemberListener = (member: Member, before: SiteState | undefined) => void

/** A cloud of more sites is refused: it bounds what a captured authority could make everybody remember. */
const MEMBERS_MAX = 20_000

/** Of all sites whose descriptor some table of this process has taken: as many as a cloud has. */
const siteNumbers = new NameNumbers()

export interface MemberTableOptions {
  readonly site: string
  readonly clock: Clock
}

export class MemberTable {
  readonly #options: MemberTableOptions
  /** By the number of their names. */
  readonly #members: (Member | undefined)[] = []
  /** In order of key, then name. */
  readonly #ring: Member[] = []
  readonly #listeners: MemberListener[] = []
  readonly #ownKey: number
  #places = 0
  #here = 0
  #cut = 0
  /** What `next` found, until the ring changes: it is asked every second, and a search touches a dozen members. */
  #next: readonly Member[] = []

  constructor(options: MemberTableOptions) {
    this.#options = options
    this.#ownKey = ringKeyOf(options.site)
  }

  /** All others, whatever their state, in the order of the ring. */
  get all(): readonly Member[] {
    return this.#ring
  }

  /** How many others are alive or suspect. */
  get here(): number {
    return this.#here
  }

  /** How many others are cut off. */
  get cut(): number {
    return this.#cut
  }

  find(site: string): Member | undefined {
    const number = siteNumbers.find(site)
    return number === undefined ? undefined : this.#members[number]
  }

  /** Callers must not change the table from within a listener. */
  onChange(listener: MemberListener): void {
    this.#listeners.push(listener)
  }

  /** Takes a genuine descriptor; true when it was news. One that is not newer says nothing. */
  learn(descriptor: Descriptor): boolean {
    const { site } = descriptor.contact
    if (site === this.#options.site) return false
    const member = this.find(site)
    if (!member) return this.#add(descriptor)
    if (descriptor.incarnation <= member.descriptor.incarnation) return false
    member.descriptor = descriptor
    this.setState(member, descriptor.state)
    return true
  }

  setState(member: Member, state: SiteState): void {
    const before = member.state
    if (before === state) return
    member.state = state
    member.sinceMs = this.#options.clock.monotonicMs()
    if (isHere(state) !== isHere(before)) {
      this.#here += isHere(state) ? 1 : -1
      this.#next = []
    }
    this.#cut += Number(state === 'cut') - Number(before === 'cut')
    for (const listener of this.#listeners) listener(member, before)
  }

  /** Forgets a site that was shut out; listeners hear that it has left. */
  remove(site: string): void {
    const member = this.find(site)
    if (!member) return
    this.setState(member, 'left')
    this.#members[siteNumbers.numberOf(site)] = undefined
    this.#ring.splice(this.#ring.indexOf(member), 1)
  }

  /** The next `count` on the ring after this site that are alive or suspect. */
  next(count: number): readonly Member[] {
    if (this.#next.length !== count) this.#next = this.#findNext(count)
    return this.#next
  }

  /** Up to `count` different ones that are alive, by chance. */
  sample(count: number, random: Random, except?: Member): Member[] {
    const found: Member[] = []
    const ring = this.#ring
    // Where most are gone, a few tries per place find enough; else nobody is left to be found.
    for (let tries = 0; tries < 4 * count + 8 && found.length < count && ring.length > 0; tries++) {
      const member = ring[random.below(ring.length)]
      if (member?.state === 'alive' && member !== except && !found.includes(member)) found.push(member)
    }
    return found
  }

  #findNext(count: number): readonly Member[] {
    const found: Member[] = []
    const ring = this.#ring
    const start = this.#placeOf(this.#ownKey, this.#options.site)
    for (let step = 0; step < ring.length && found.length < count; step++) {
      const member = ring[(start + step) % ring.length]
      if (member && isHere(member.state)) found.push(member)
    }
    return found
  }

  #add(descriptor: Descriptor): boolean {
    if (this.#ring.length >= MEMBERS_MAX) return false
    const sinceMs = this.#options.clock.monotonicMs()
    const member = new Member(descriptor, { place: this.#places++, sinceMs })
    putAt(this.#members, siteNumbers.numberOf(member.site), member)
    this.#ring.splice(this.#placeOf(member.key, member.site), 0, member)
    this.#next = []
    if (isHere(member.state)) this.#here++
    for (const listener of this.#listeners) listener(member, undefined)
    return true
  }

  /** The first place on the ring that is not before (key, site). */
  #placeOf(key: number, site: string): number {
    let [low, high] = [0, this.#ring.length]
    while (low < high) {
      const middle = (low + high) >> 1
      const member = this.#ring[middle]
      if (member && (member.key < key || (member.key === key && member.site < site))) low = middle + 1
      else high = middle
    }
    return low
  }
}

/** Sites that are worth a probe. */
export function isHere(state: SiteState): boolean {
  return state === 'alive' || state === 'suspect'
}
