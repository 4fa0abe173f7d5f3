/** The state of a memory store, which several clients may share: ordered spaces, and the log that they add up to. */

import { assert } from '@atoll/kit'
import { SortedMap } from '../../collections/sorted-map.ts'
import { fillHoles } from '../key-value/fill-holes.ts'
import type {
  ByteString,
  Commit,
  CommitOutcome,
  LogEntry,
  Look,
  News,
  Position,
  RangeRequest,
  RangeResult,
  ReadSet,
  Sight,
  Space,
  SpaceKey,
} from '../key-value/key-value-store.ts'
import { ReadIndex } from '../key-value/read-index.ts'
import { rowOf } from '../key-value/row-of.ts'

export interface MemoryDatabaseOptions {
  /** How many entries of the log are kept at most: a client that looks less often starts from nothing. */
  readonly entriesMax?: number
  /** What the writes of these may take together. */
  readonly logBytesMax?: number
}

export class MemoryDatabase {
  readonly #options: Required<MemoryDatabaseOptions>
  readonly #spaces = new Map<Space, SortedMap<ByteString>>()
  readonly #watchers = new Set<() => void>()
  readonly #entriesById = new Map<string, LogEntry>()
  /** The latest entries, the last of which led to `#position`. */
  readonly #entries: LogEntry[] = []
  #logBytes = 0
  #position: Position = 0
  #number = 0

  constructor({ entriesMax = 4096, logBytesMax = 16 * 1024 * 1024 }: MemoryDatabaseOptions = {}) {
    this.#options = { entriesMax, logBytesMax }
  }

  get position(): Position {
    return this.#position
  }

  look({ after, keys, ranges }: Look): Sight {
    return {
      ...this.#newsSince(after ?? this.#position),
      values: keys.map((key) => this.#value(key) ?? null),
      ranges: ranges.map((request) => this.#range(request)),
    }
  }

  commit(commit: Commit): CommitOutcome {
    const done = this.#entriesById.get(commit.id)
    if (done) return this.#committed(commit, done)
    const news = this.#newsSince(commit.after)
    if (!news.entries) return { kind: 'conflict', ...news }
    if (news.entries.length > 0) {
      const reads = new ReadIndex(commit.reads)
      if (news.entries.some((entry) => reads.isTouchedBy(entry))) return { kind: 'conflict', ...news }
    }
    if (commit.absent && !this.#isAbsent(commit.absent)) return { kind: 'conflict', ...news }
    return this.#committed(commit, this.#append(commit))
  }

  /** Calls `listener` at every commit. Returns how to stop that. */
  onCommit(listener: () => void): () => void {
    this.#watchers.add(listener)
    return () => this.#watchers.delete(listener)
  }

  #isAbsent({ keys, ranges }: ReadSet): boolean {
    return (
      keys.every((key) => this.#value(key) === undefined) &&
      ranges.every(({ space, from, to }) => {
        const found = this.#spaces.get(space)?.keys({ from, to, limit: 1, isReversed: false })
        return !found || found.length === 0
      })
    )
  }

  #append({ id, writes, numbers, changes }: Commit): LogEntry {
    const firstNumber = this.#number + 1
    this.#number += numbers
    const entry = {
      position: ++this.#position,
      id,
      firstNumber,
      writes: fillHoles(writes, firstNumber),
      changes,
    }
    for (const { space, key, value } of entry.writes) {
      if (value === null) this.#space(space).delete(key)
      else this.#space(space).set(key, value)
    }
    this.#entries.push(entry)
    this.#entriesById.set(id, entry)
    this.#logBytes += bytesOf(entry)
    this.#forgetOldest()
    for (const watcher of [...this.#watchers]) watcher()
    return entry
  }

  // The latest entry stays, however large, so that its author hears of it.
  #forgetOldest(): void {
    const { entriesMax, logBytesMax } = this.#options
    while (this.#entries.length > 1 && (this.#entries.length > entriesMax || this.#logBytes > logBytesMax)) {
      const oldest = this.#entries.shift()
      if (!oldest) return
      this.#logBytes -= bytesOf(oldest)
      this.#entriesById.delete(oldest.id)
    }
  }

  #committed({ after }: Commit, { position: at, firstNumber }: LogEntry): CommitOutcome {
    return { kind: 'committed', at, firstNumber, ...this.#newsSince(after) }
  }

  #newsSince(after: Position): News {
    const missing = this.#position - after
    const isKnown = missing >= 0 && missing <= this.#entries.length
    const entries = isKnown ? this.#entries.slice(this.#entries.length - missing) : null
    return { position: this.#position, number: this.#number, entries }
  }

  #range({ space, from, to, limit, isReversed, rowsOf }: RangeRequest): RangeResult {
    const found = this.#space(space).keys({ from, to, isReversed, limit: limit + 1 })
    const keys = found.slice(0, limit)
    const values = keys.map((key) => this.#expected(rowsOf === null ? { space, key } : rowOf(rowsOf, key)))
    return { keys, values, isComplete: found.length <= limit }
  }

  #expected(key: SpaceKey): ByteString {
    const value = this.#value(key)
    assert(value !== undefined, `an index points to a row of ${key.space} that does not exist`)
    return value
  }

  #value({ space, key }: SpaceKey): ByteString | undefined {
    return this.#spaces.get(space)?.get(key)
  }

  #space(name: Space): SortedMap<ByteString> {
    let space = this.#spaces.get(name)
    if (!space) {
      space = new SortedMap()
      this.#spaces.set(name, space)
    }
    return space
  }
}

function bytesOf({ writes }: LogEntry): number {
  return writes.reduce((sum, { key, value }) => sum + key.length + (value?.length ?? 0), 0)
}
