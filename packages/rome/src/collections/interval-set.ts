/** A set of keys as disjoint intervals `[from, to)`; adding one melts it with those that it touches. */

import { SortedMap } from './sorted-map.ts'

export interface Interval {
  readonly from: string
  readonly to: string
}

export class IntervalSet {
  /** The end of each interval, by its begin. */
  readonly #ends = new SortedMap<string>()

  get size(): number {
    return this.#ends.size
  }

  add(from: string, to: string): void {
    if (from >= to) return
    const before = this.endingAt(from)
    if (before && before.to >= to) return
    const begin = before?.from ?? from
    let end = to
    for (const next of this.#ends.keysBetween(begin, `${to}\x00`)) {
      const nextEnd = this.#ends.get(next) ?? ''
      if (nextEnd > end) end = nextEnd
      this.#ends.delete(next)
    }
    this.#ends.set(begin, end)
  }

  /** Takes `[from, to)` out of whatever holds parts of it. */
  cut(from: string, to: string): void {
    if (from >= to) return
    const before = this.endingAt(from)
    if (before && before.to > from) {
      this.#ends.set(before.from, from)
      if (before.to > to) this.#ends.set(to, before.to)
    }
    for (const next of this.#ends.keysBetween(from, to)) {
      const end = this.#ends.get(next) ?? ''
      this.#ends.delete(next)
      if (end > to) this.#ends.set(to, end)
    }
  }

  contains(key: string): boolean {
    return this.at(key) !== undefined
  }

  /** The interval that holds `key`, if there is one. */
  at(key: string): Interval | undefined {
    const from = this.#ends.lastBefore(`${key}\x00`)
    const to = from === undefined ? undefined : this.#ends.get(from)
    return from !== undefined && to !== undefined && to > key ? { from, to } : undefined
  }

  /** The interval that begins before `key` and reaches up to it or beyond: where a descent from `key` begins. */
  endingAt(key: string): Interval | undefined {
    const from = this.#ends.lastBefore(key)
    const to = from === undefined ? undefined : this.#ends.get(from)
    return from !== undefined && to !== undefined && to >= key ? { from, to } : undefined
  }

  covers(from: string, to: string): boolean {
    if (from >= to) return true
    const interval = this.at(from)
    return interval !== undefined && interval.to >= to
  }

  clear(): void {
    this.#ends.clear()
  }

  *[Symbol.iterator](): Iterator<Interval> {
    for (const from of this.#ends.allKeys()) yield { from, to: this.#ends.get(from) ?? '' }
  }
}
