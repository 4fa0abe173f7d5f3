/** All sites that this one knows, with their states; each change is told to whoever listens. */

import type { Clock, Random } from '@atoll/kit'
import type { Descriptor } from '../membership/descriptor.ts'
import { Member, ringKeyOf, type SiteState } from './member.ts'

/** `before` is undefined for a site that was not known. */
export type MemberListener = (member: Member, before: SiteState | undefined) => void

/** A cloud of more sites is refused: it bounds what a captured authority could make everybody remember. */
const MEMBERS_MAX = 20_000

export interface MemberTableOptions {
  readonly site: string
  readonly clock: Clock
}

export class MemberTable {
  readonly #options: MemberTableOptions
  readonly #members = new Map<string, Member>()
  /** In order of key, then name. */
  readonly #ring: Member[] = []
  readonly #listeners: MemberListener[] = []
  readonly #ownKey: number
  #here = 0
  #cut = 0

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
    return this.#members.get(site)
  }

  /** Callers must not change the table from within a listener. */
  onChange(listener: MemberListener): void {
    this.#listeners.push(listener)
  }

  /** Takes a genuine descriptor; true when it was news. One that is not newer says nothing. */
  learn(descriptor: Descriptor): boolean {
    const { site } = descriptor.contact
    if (site === this.#options.site) return false
    const member = this.#members.get(site)
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
    this.#here += Number(isHere(state)) - Number(isHere(before))
    this.#cut += Number(state === 'cut') - Number(before === 'cut')
    for (const listener of this.#listeners) listener(member, before)
  }

  /** Forgets a site that was shut out; listeners hear that it has left. */
  remove(site: string): void {
    const member = this.#members.get(site)
    if (!member) return
    this.setState(member, 'left')
    this.#members.delete(site)
    this.#ring.splice(this.#ring.indexOf(member), 1)
  }

  /** The next `count` on the ring after this site that are alive or suspect. */
  next(count: number): Member[] {
    const found: Member[] = []
    const ring = this.#ring
    const start = this.#placeOf(this.#ownKey, this.#options.site)
    for (let step = 0; step < ring.length && found.length < count; step++) {
      const member = ring[(start + step) % ring.length]
      if (member && isHere(member.state)) found.push(member)
    }
    return found
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

  #add(descriptor: Descriptor): boolean {
    if (this.#members.size >= MEMBERS_MAX) return false
    const member = new Member(descriptor, this.#options.clock.monotonicMs())
    this.#members.set(member.site, member)
    this.#ring.splice(this.#placeOf(member.key, member.site), 0, member)
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
