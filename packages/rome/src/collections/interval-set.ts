/** A set of keys as disjoint intervals `[from, to)`, sorted; adding one melts it with those that it touches. */

export interface Interval {
  readonly from: string
  readonly to: string
}

export class IntervalSet {
  #intervals: Interval[] = []

  get size(): number {
    return this.#intervals.length
  }

  add(from: string, to: string): void {
    if (from >= to) return
    const first = this.#firstReaching(from)
    const merged = { from, to }
    let end = first
    for (; end < this.#intervals.length; end++) {
      const next = this.#intervals[end]
      if (!next || next.from > to) break
      if (next.from < merged.from) merged.from = next.from
      if (next.to > merged.to) merged.to = next.to
    }
    this.#intervals.splice(first, end - first, merged)
  }

  contains(key: string): boolean {
    const interval = this.#intervals[this.#firstEndingAfter(key)]
    return interval !== undefined && interval.from <= key
  }

  /** The interval that holds `key`, if there is one. */
  at(key: string): Interval | undefined {
    const interval = this.#intervals[this.#firstEndingAfter(key)]
    return interval && interval.from <= key ? interval : undefined
  }

  /** The interval that reaches up to `key` from below, or holds it: where a descent from `key` begins. */
  endingAt(key: string): Interval | undefined {
    const interval = this.#intervals[this.#firstReaching(key)]
    return interval && interval.from < key ? interval : undefined
  }

  covers(from: string, to: string): boolean {
    if (from >= to) return true
    const interval = this.at(from)
    return interval !== undefined && interval.to >= to
  }

  /** Takes one interval out, and answers with it; the one at place `index` modulo their number. */
  takeOut(index: number): Interval | undefined {
    return this.#intervals.splice(index % Math.max(1, this.#intervals.length), 1)[0]
  }

  clear(): void {
    this.#intervals = []
  }

  [Symbol.iterator](): Iterator<Interval> {
    return this.#intervals[Symbol.iterator]()
  }

  // The first interval that ends at `key` or later.
  #firstReaching(key: string): number {
    return this.#search((interval) => interval.to >= key)
  }

  #firstEndingAfter(key: string): number {
    return this.#search((interval) => interval.to > key)
  }

  #search(isFar: (interval: Interval) => boolean): number {
    let low = 0
    let high = this.#intervals.length
    while (low < high) {
      const middle = (low + high) >> 1
      const interval = this.#intervals[middle]
      if (interval && !isFar(interval)) low = middle + 1
      else high = middle
    }
    return low
  }
}
