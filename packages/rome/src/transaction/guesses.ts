/** What a transaction took to be absent without knowing, in the order in which it did. */

import type { Missing } from '../execute/workspace.ts'
import type { RangeRequest, ReadSet, SpaceKey } from '../stores/key-value/key-value-store.ts'
import type { Cache } from './cache.ts'

/** What is to be brought. */
export type Wanted = Pick<Missing, 'keys' | 'ranges'>

export interface GuessMark {
  readonly keys: number
  readonly ranges: number
}

export class Guesses implements Wanted {
  readonly keys: SpaceKey[] = []
  readonly ranges: RangeRequest[] = []

  get size(): number {
    return this.keys.length + this.ranges.length
  }

  add({ keys, ranges }: Wanted): void {
    this.keys.push(...keys)
    this.ranges.push(...ranges)
  }

  mark(): GuessMark {
    return { keys: this.keys.length, ranges: this.ranges.length }
  }

  rollBackTo({ keys, ranges }: GuessMark): void {
    this.keys.length = keys
    this.ranges.length = ranges
  }

  /** Whether `cache` knows by now that there is nothing of it. */
  areRight(cache: Cache): boolean {
    return (
      this.keys.every(({ space, key }) => cache.space(space)?.cell(key) === null) &&
      this.ranges.every((request) => {
        const space = cache.space(request.space)
        const reach = space?.reach(request)
        const isKnown = reach !== undefined && reach.from <= request.from && reach.to >= request.to
        return isKnown && space?.keys({ ...request, limit: 1 }).length === 0
      })
    )
  }

  toReadSet(): ReadSet {
    const ranges = this.ranges.map(({ space, from, to }) => ({ space, from, to }))
    return { keys: [...this.keys], ranges }
  }
}
