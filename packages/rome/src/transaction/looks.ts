/**
 * Asks the store what is new and what is missing, for everybody who wants to know at the same time. A question that is
 * under way does not serve those who come later, since its answer may be older than they are; they gather for the next.
 */

import type { KeyValueStore, Position, RangeRequest, SpaceKey } from '../stores/key-value/key-value-store.ts'
import type { Cache } from './cache.ts'
import type { Wanted } from './guesses.ts'
import { countLook, type StoreStatistics } from './statistics.ts'

export interface LooksOptions {
  readonly store: KeyValueStore
  readonly cache: Cache
  readonly statistics: StoreStatistics
  /** How many may be under way: with more, answers are smaller; with fewer, callers wait longer for their turn. */
  readonly underWayMax?: number
}

export class Looks {
  readonly #options: LooksOptions
  #next: Gathering | undefined
  #underWay = 0

  constructor(options: LooksOptions) {
    this.#options = options
  }

  /** Up to where the log is known. */
  get position(): Position {
    return this.#options.cache.position ?? 0
  }

  /**
   * Resolves when the cache is at least as new as this call, and has taken what was wanted, if the answer did not come
   * too late for that. @throws StoreUnavailable
   */
  look(wanted?: Wanted): Promise<void> {
    this.#next ??= this.#gather()
    if (wanted) this.#next.add(wanted)
    return this.#next.answered
  }

  #gather(): Gathering {
    const gathering = new Gathering()
    if (this.#underWay < (this.#options.underWayMax ?? 4)) queueMicrotask(() => this.#send(gathering))
    return gathering
  }

  #send(gathering: Gathering): void {
    if (this.#next !== gathering) return
    this.#next = undefined
    this.#underWay++
    this.#ask(gathering).then(gathering.resolve, gathering.reject)
  }

  async #ask(gathering: Gathering): Promise<void> {
    const { store, cache, statistics } = this.#options
    const look = { after: cache.position, keys: gathering.keys, ranges: gathering.ranges }
    try {
      const sight = await store.look(look)
      countLook(statistics, look, sight)
      cache.take(look, sight)
    } finally {
      this.#underWay--
      if (this.#next) this.#send(this.#next)
    }
  }
}

class Gathering {
  readonly answered: Promise<void>
  readonly keys: SpaceKey[] = []
  readonly ranges: RangeRequest[] = []
  resolve: () => void = () => {}
  reject: (error: unknown) => void = () => {}
  readonly #known = new Set<string>()

  constructor() {
    this.answered = new Promise((resolve, reject) => {
      this.resolve = resolve
      this.reject = reject
    })
  }

  add({ keys, ranges }: Wanted): void {
    for (const key of keys) if (this.#isNew(`${key.space}\n${key.key}`)) this.keys.push(key)
    for (const range of ranges) if (this.#isNew(JSON.stringify(range))) this.ranges.push(range)
  }

  #isNew(name: string): boolean {
    const { size } = this.#known
    return this.#known.add(name).size > size
  }
}
