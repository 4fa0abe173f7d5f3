/**
 * One lookup, as a value that says whom to ask next: iterative, since the one who asks notices silence and goes round it.
 * It ends only when a site says itself that it owns the key: nobody answers for another.
 *
 *     known sites around the key:   a ──── b ──── c ──[key]── d ──── e
 *
 *     c, the closest before the key, has not answered yet?   ask c: it may know a closer one
 *     c has answered?                                        ask d, the first at or after the key, whether it is the owner
 *     d says that a site before it comes first?              that one is known from now on; again
 *     that one is silent?                                    d has not noticed yet: once more, a little later
 *     d is silent?                                           e is the first
 */

import { alongRing, isWithin, type RingKey } from './ring-key.ts'
import type { Neighbour } from './ring-table.ts'

export type Step =
  /** Ask `to`; `isLast` when it is thought to be the owner. */
  | { readonly kind: 'ask'; readonly to: Neighbour; readonly isLast: boolean }
  | { readonly kind: 'found'; readonly owner: Neighbour }
  /** Nobody is left to ask, or enough were asked. */
  | { readonly kind: 'failed' }

export interface LookupOptions {
  readonly key: RingKey
  readonly self: Neighbour
  readonly questionsMax: number
  /** False when failing costs no more than another lookup a little later. */
  readonly isLastTry: boolean
}

/** Who only shows the way is left aside at the first silence: others know it, too. */
const GUIDE_TRIES = 1

/**
 * Who may be the owner is asked so often before the next one is believed: of datagrams of which 5 % are lost, all eight are
 * lost once in 11,000 times.
 */
const OWNER_TRIES = 4

export class Lookup {
  readonly key: RingKey
  readonly #order: (left: RingKey, right: RingKey) => number
  readonly #self: Neighbour
  readonly #known = new Map<RingKey, Neighbour>()
  readonly #answered = new Set<RingKey>()
  /** How often a site was asked in vain. */
  readonly #silences = new Map<RingKey, number>()
  /** Who said that it is not the owner, and who before it is. */
  readonly #denied = new Map<RingKey, RingKey | undefined>()
  readonly #questionsMax: number
  readonly #isLastTry: boolean
  #questions = 0

  /** `self` is not asked; callers must know that it does not own the key, as far as it knows. */
  constructor({ key, self, questionsMax, isLastTry }: LookupOptions) {
    this.key = key
    this.#self = self
    this.#order = alongRing(key)
    this.#questionsMax = questionsMax
    this.#isLastTry = isLastTry
  }

  get questions(): number {
    return this.#questions
  }

  add(candidates: Iterable<Neighbour>): void {
    for (const one of candidates) if (one.key !== this.#self.key) this.#known.set(one.key, one)
  }

  /** That site has answered; when it is asked again it is as the owner. */
  answered({ key }: Neighbour): void {
    this.#answered.add(key)
  }

  /** That site says that it is not the owner, but perhaps `before`. */
  denied({ key }: Neighbour, before: Neighbour | undefined): void {
    this.#denied.set(key, before?.key)
    if (before) this.add([before])
  }

  silent({ key }: Neighbour): void {
    this.#silences.set(key, (this.#silences.get(key) ?? 0) + 1)
  }

  next(): Step {
    const known = [...this.#known.values()].sort((left, right) => this.#order(left.key, right.key))
    const isSilent = (key: RingKey, tries: number) => (this.#silences.get(key) ?? 0) >= tries
    const living = known.filter(({ key }) => !isSilent(key, OWNER_TRIES))
    const owner = living.find(({ key }) => key === this.key) ?? living[0]
    if (!owner || this.#questions >= this.#questionsMax) return { kind: 'failed' }
    this.#questions++
    const closest = living.findLast(
      ({ key }) => key !== owner.key && this.#isAfterSelf(key) && !isSilent(key, GUIDE_TRIES),
    )
    if (closest && !this.#answered.has(closest.key)) return { kind: 'ask', to: closest, isLast: false }
    if (!this.#denied.has(owner.key)) return { kind: 'ask', to: owner, isLast: true }
    const before = this.#denied.get(owner.key)
    // Who cannot say who is before it, or names one that is silent, will know more in a round: between it and the key there may
    // be others that this lookup has not met. When it still does not, who shows the way is believed.
    const isGone = before === undefined || (before !== this.#self.key && isSilent(before, OWNER_TRIES))
    const isSettled = this.#isLastTry && isGone
    return isSettled ? { kind: 'found', owner } : { kind: 'failed' }
  }

  /** Only who lies between this site and the key can know more of it than this site. */
  #isAfterSelf(key: RingKey): boolean {
    return isWithin(key, { after: this.#self.key, upTo: this.key })
  }
}
