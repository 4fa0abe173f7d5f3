/** Rings of all sites of a matrix, under churn and cuts, with lookups whose answers are held against the truth. */

import { fraction, pick, type Random, seededRandom } from '@atoll/kit'
import { Chord, type Contact, keyOf, type RingKey, type RingSettings, siteKey } from '@atoll/overlay'
import { DatagramNetwork } from '../datagrams/datagram-network.ts'
import type { RttMatrix } from '../rtt/rtt-matrix.ts'

export interface RingRunOptions {
  readonly rtt: RttMatrix
  /** So many take part at the start; the rows of the matrix beyond are sites that may join. */
  readonly sites: number
  readonly seed: number
  readonly loss?: number
  readonly settings?: Partial<RingSettings>
}

export interface LookupCounts {
  /** Ended while the site that asked lived. */
  readonly lookups: number
  /** Answered by a site that was the owner at some time between question and answer. */
  readonly right: number
  /** Answered by another site. */
  readonly wrong: number
  /** Not answered. */
  readonly failed: number
}

/** Members that a site can name, whom it starts and heals with: what a view of the membership has. */
const SEEDS = 8

export class RingRun {
  readonly network: DatagramNetwork
  readonly #options: RingRunOptions
  readonly #random: Random
  readonly #rings: (Chord | undefined)[]
  /** When a site stopped being one that others can find. */
  readonly #endedMs = new Map<number, number>()
  readonly #latenciesMs: number[] = []
  #counts = { lookups: 0, right: 0, wrong: 0, failed: 0 }

  constructor(options: RingRunOptions) {
    this.#options = options
    const { rtt, sites, seed, loss = 0 } = options
    this.network = new DatagramNetwork({ seed, rtt, loss })
    this.#random = seededRandom(`${seed}/ring`)
    this.#rings = new Array<Chord | undefined>(rtt.size).fill(undefined)
    for (let index = 0; index < rtt.size; index++) this.network.add(`site-${index}`)
    for (let index = 0; index < sites; index++) this.join(index)
  }

  get counts(): LookupCounts {
    return { ...this.#counts }
  }

  /** Of those answered, ascending. */
  get latenciesMs(): readonly number[] {
    return this.#latenciesMs.toSorted((left, right) => left - right)
  }

  /** The sites that run. */
  living(): readonly number[] {
    return this.#rings.flatMap((ring, index) => (ring ? [index] : []))
  }

  join(index: number): void {
    const ring = new Chord({
      environment: this.network.environmentOf(index),
      self: this.network.contactOf(index),
      seeds: () => this.#seeds(index),
      rttMs: (site) => this.#options.rtt.rttMs(index, this.network.indexOf(site) ?? index),
      settings: this.#options.settings ?? {},
    })
    this.#rings[index] = ring
    this.#endedMs.delete(index)
    this.network.start(index, ring)
  }

  crash(index: number): void {
    if (this.#rings[index]?.isReady) this.#endedMs.set(index, this.network.nowMs)
    this.#rings[index] = undefined
    this.network.crash(index)
  }

  pass(durationMs: number): void {
    this.network.run(this.network.nowMs + durationMs)
  }

  /** Sites crash and others join in their place, and lookups are made, each by chance, for `durationMs`. */
  churn(options: {
    readonly durationMs: number
    /** The share of the sites that is replaced each minute. */
    readonly perMinute: number
    readonly lookupsPerSecond: number
  }): void {
    const { durationMs, perMinute, lookupsPerSecond } = options
    const stepMs = 100
    for (let passedMs = 0; passedMs < durationMs; passedMs += stepMs) {
      const living = this.living()
      const replacements = (living.length * perMinute * stepMs) / 60_000
      for (let count = this.#roughly(replacements); count > 0; count--) this.#replaceOne()
      for (let count = this.#roughly((lookupsPerSecond * stepMs) / 1000); count > 0; count--) this.lookup()
      this.pass(stepMs)
    }
  }

  /** One site that takes part looks up a key. */
  lookup(): void {
    const ready = this.living().filter((index) => this.#rings[index]?.isReady)
    if (ready.length === 0) return
    const index = pick(this.#random, ready)
    const key = keyOf(`key-${this.#random.below(2 ** 32)}`)
    const startedMs = this.network.nowMs
    const owners = new Set(this.#owners(key))
    this.#rings[index]?.lookup(key, (owner) => {
      for (const one of this.#owners(key)) owners.add(one)
      this.#judge(owner, { key, owners, startedMs })
    })
  }

  /** The site that should own a key: the first at it or after it that others can find. */
  ownerOf(key: RingKey, isThere = (index: number) => this.#rings[index]?.isReady === true): number {
    let [best, first] = [-1, -1]
    const keyAt = (index: number) => siteKey(this.network.contactOf(index).site)
    for (let index = 0; index < this.#rings.length; index++) {
      if (!isThere(index)) continue
      const at = keyAt(index)
      if (at >= key && (best < 0 || at < keyAt(best))) best = index
      if (first < 0 || at < keyAt(first)) first = index
    }
    return best < 0 ? first : best
  }

  /** While a site joins it is the owner for those who know of it, and the next one for the others. */
  #owners(key: RingKey): readonly number[] {
    return [this.ownerOf(key), this.ownerOf(key, (index) => this.#rings[index] !== undefined)]
  }

  /** The share of sites whose first successor is the next one that lives. */
  consistency(): number {
    const living = this.living()
    const right = living.filter((index) => {
      const next = this.#next(index)
      return (
        next === undefined || this.#rings[index]?.successors[0]?.site === this.network.contactOf(next).site
      )
    })
    return right.length / living.length
  }

  #next(index: number): number | undefined {
    const self = siteKey(this.network.contactOf(index).site)
    const others = this.living().filter((other) => other !== index)
    const keyed = others.map((other) => ({ other, key: siteKey(this.network.contactOf(other).site) }))
    keyed.sort((left, right) => (left.key < right.key ? -1 : 1))
    return (keyed.find(({ key }) => key > self) ?? keyed[0])?.other
  }

  #judge(
    owner: Contact | undefined,
    { key, owners, startedMs }: { key: RingKey; owners: ReadonlySet<number>; startedMs: number },
  ): void {
    this.#counts.lookups++
    if (!owner) {
      this.#counts.failed++
      return
    }
    this.#latenciesMs.push(this.network.nowMs - startedMs)
    const index = this.network.indexOf(owner.site) ?? -1
    if (owners.has(index) || this.#wasOwner(key, index, startedMs)) this.#counts.right++
    else this.#counts.wrong++
  }

  /** The world may have changed twice on the way: whoever was there at some time since then counts. */
  #wasOwner(key: RingKey, index: number, sinceMs: number): boolean {
    const isThere = (other: number) => {
      if (other === index)
        return this.#rings[other]?.isReady === true || (this.#endedMs.get(other) ?? 0) >= sinceMs
      return this.#rings[other]?.isReady === true
    }
    return this.ownerOf(key, isThere) === index
  }

  #replaceOne(): void {
    const living = this.living()
    const absent = this.#rings.flatMap((ring, index) => (ring ? [] : [index]))
    if (living.length > 1) this.crash(pick(this.#random, living))
    if (absent.length > 0) this.join(pick(this.#random, absent))
  }

  #seeds(index: number): readonly Contact[] {
    const living = this.living()
    return Array.from({ length: SEEDS }, () => pick(this.#random, living))
      .filter((other) => other !== index)
      .map((other) => this.network.contactOf(other))
  }

  /** A whole number whose mean is `expected`. */
  #roughly(expected: number): number {
    return Math.floor(expected) + (fraction(this.#random) < expected % 1 ? 1 : 0)
  }
}
