/** What a transaction has read of the store, in the order in which it did, so that the last part can be taken back. */

import { IntervalSet } from '../collections/interval-set.ts'
import type {
  ByteString,
  KeyRange,
  LogEntry,
  ReadSet,
  Space,
  SpaceKey,
} from '../stores/key-value/key-value-store.ts'
import { ReadIndex } from '../stores/key-value/read-index.ts'

export interface ReadMark {
  readonly keys: number
  readonly ranges: number
}

export class ReadLog {
  readonly #keys: SpaceKey[] = []
  readonly #ranges: KeyRange[] = []
  readonly #known = new Map<Space, Set<ByteString>>()

  /** How many reads at most a commit of this would have. */
  get size(): number {
    return this.#keys.length + this.#ranges.length
  }

  addKey(space: Space, key: ByteString): void {
    let known = this.#known.get(space)
    if (!known) {
      known = new Set()
      this.#known.set(space, known)
    }
    if (known.has(key)) return
    known.add(key)
    this.#keys.push({ space, key })
  }

  addRange(space: Space, from: ByteString, to: ByteString): void {
    if (from < to) this.#ranges.push({ space, from, to })
  }

  mark(): ReadMark {
    return { keys: this.#keys.length, ranges: this.#ranges.length }
  }

  rollBackTo({ keys, ranges }: ReadMark): void {
    for (const { space, key } of this.#keys.splice(keys)) this.#known.get(space)?.delete(key)
    this.#ranges.length = ranges
  }

  isTouchedBy(entry: Pick<LogEntry, 'writes'>): boolean {
    return new ReadIndex({ keys: this.#keys, ranges: this.#ranges }).isTouchedBy(entry)
  }

  /** The same in fewer words: ranges that touch are one, and keys in ranges need not be named. */
  toReadSet(): ReadSet {
    if (this.#ranges.length === 0) return { keys: [...this.#keys], ranges: [] }
    const intervals = new Map<Space, IntervalSet>()
    for (const { space, from, to } of this.#ranges) {
      const merged = intervals.get(space) ?? new IntervalSet()
      merged.add(from, to)
      intervals.set(space, merged)
    }
    return {
      keys: this.#keys.filter(({ space, key }) => !intervals.get(space)?.contains(key)),
      ranges: [...intervals].flatMap(([space, merged]) =>
        Array.from(merged, ({ from, to }) => ({ space, from, to })),
      ),
    }
  }
}
