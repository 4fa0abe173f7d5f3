/** What a peer knows of one space: keys with their values, keys that are absent, and intervals of which it knows every key. */

import { type Interval, IntervalSet } from '../collections/interval-set.ts'
import { SortedMap } from '../collections/sorted-map.ts'
import type { Cell } from '../execute/workspace.ts'
import type { ByteString } from '../stores/key-value/key-value-store.ts'

/** A cell and the place of it in the eviction. */
export interface CachedCell extends Cell {
  /** Since the hand of the eviction last passed. */
  wasUsed: boolean
}

/** Strings, map entries and a decoded row weigh about so much beside their characters. */
const OVERHEAD_BYTES = 160

export class SpaceCache {
  readonly #cells = new SortedMap<CachedCell>()
  readonly #absent = new Set<ByteString>()
  readonly #known = new IntervalSet()
  #bytes = 0

  /** An estimate of the memory that this takes. */
  get bytes(): number {
    return this.#bytes + this.#known.size * OVERHEAD_BYTES
  }

  /** The cell of a key; null when there is none in the store, undefined when that is unknown. */
  cell(key: ByteString): Cell | null | undefined {
    const cell = this.#cells.get(key)
    if (cell) {
      cell.wasUsed = true
      return cell
    }
    return this.#isAbsent(key) ? null : undefined
  }

  /** The keys in order; callers stay within one known interval. */
  keys(request: { from: ByteString; to: ByteString; limit: number; isReversed: boolean }): ByteString[] {
    return this.#cells.keys(request)
  }

  /** The known part of `[from, to)` next to where a walk begins: its start, or its end when it is reversed. */
  reach(range: { from: ByteString; to: ByteString; isReversed: boolean }): Interval | undefined {
    const { from, to, isReversed } = range
    const known = isReversed ? this.#known.endingAt(to) : this.#known.at(from)
    return known && (known.from <= from && known.to >= to ? range : overlap(known, range))
  }

  put(key: ByteString, bytes: ByteString): void {
    const before = this.#cells.get(key)
    if (before?.bytes === bytes) {
      before.wasUsed = true
      return
    }
    this.#bytes += weight(key, bytes) - (before ? weight(key, before.bytes) : 0)
    if (!before) this.#forgetAbsent(key)
    this.#cells.set(key, { bytes, row: undefined, wasUsed: true })
  }

  /** Notes that there is no such key. */
  putAbsent(key: ByteString): void {
    this.#deleteCell(key)
    if (this.#isAbsent(key)) return
    this.#absent.add(key)
    this.#bytes += weight(key, '')
  }

  /** Notes that every key of `[from, to)` is known: those that were put, and no other. */
  putInterval(from: ByteString, to: ByteString): void {
    this.#known.add(from, to)
  }

  /** Follows a write of somebody. What was unknown stays so, unless it is a row: rows that change are soon read. */
  follow(key: ByteString, value: ByteString | null): void {
    const isKnown = this.#cells.has(key) || this.#isAbsent(key)
    if (value === null) {
      if (isKnown) this.putAbsent(key)
    } else if (isKnown || value !== '') this.put(key, value)
  }

  /**
   * Forgets those of `count` keys from `from` on that nobody has used since the last time, and for each the gap before
   * it: that there is nothing between it and the key before. Answers with the key to go on from; null at the end.
   */
  evict(from: ByteString, count: number): ByteString | null {
    for (const key of this.#absent) this.#forgetAbsent(key)
    const keys = this.#cells.keys({ from, to: END, limit: count, isReversed: false })
    let gap = from
    let unused: ByteString | undefined = keys.length === 0 ? from : undefined
    for (const key of keys) {
      const cell = this.#cells.get(key)
      if (cell?.wasUsed) {
        cell.wasUsed = false
        if (unused !== undefined) this.#known.cut(unused, gap)
        unused = undefined
      } else {
        unused ??= gap
        this.#deleteCell(key)
      }
      gap = `${key}\x00`
    }
    const next = keys.length < count ? null : gap
    if (unused !== undefined) this.#known.cut(unused, next ?? END)
    return next
  }

  #isAbsent(key: ByteString): boolean {
    return this.#absent.has(key) || this.#known.contains(key)
  }

  #forgetAbsent(key: ByteString): void {
    if (this.#absent.delete(key)) this.#bytes -= weight(key, '')
  }

  #deleteCell(key: ByteString): void {
    const before = this.#cells.get(key)
    if (!before) return
    this.#bytes -= weight(key, before.bytes)
    this.#cells.delete(key)
  }
}

/** Lies behind every key: no byte is as large. */
const END = '\u0100'

function overlap(left: Interval, right: Interval): Interval {
  const { from } = left.from > right.from ? left : right
  const { to } = left.to < right.to ? left : right
  return { from, to }
}

function weight(key: ByteString, bytes: ByteString): number {
  return OVERHEAD_BYTES + key.length + 2 * bytes.length
}
