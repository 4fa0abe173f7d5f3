/**
 * The latest entries of the log, as this client has heard of them: what shards lack is overlaid from here. Bounded, since what no
 * shard lacks is let go of, and the log itself stops growing when shards are too far behind.
 */

import type { ByteString, LogEntry, Position } from '../key-value/key-value-store.ts'
import type { Tag } from '../redis/log-entry.ts'
import { shardOf } from './shards.ts'

export interface NewEntry {
  readonly entry: LogEntry
  readonly tag: Tag
}

export interface RecentEntry extends NewEntry {
  readonly bytes: number
  /** By shard: what it has to write, by space and key. */
  readonly writesOf: ReadonlyMap<number, LogEntry['writes']>
}

export interface RecentLimits {
  readonly entriesMax: number
  readonly bytesMax: number
}

/** The writes to one shard, the latest for each key. */
export class Pending {
  readonly #spaces = new Map<string, Map<ByteString, ByteString | null>>()

  add(writes: LogEntry['writes']): void {
    for (const { space, key, value } of writes) {
      const known = this.#spaces.get(space)
      if (known) known.set(key, value)
      else this.#spaces.set(space, new Map([[key, value]]))
    }
  }

  in(space: string): ReadonlyMap<ByteString, ByteString | null> {
    return this.#spaces.get(space) ?? NOTHING
  }
}

const NOTHING: ReadonlyMap<ByteString, ByteString | null> = new Map()

export class RecentLog {
  readonly #shards: number
  readonly #limits: RecentLimits
  #entries: RecentEntry[] = []
  #bytes = 0
  #position: Position = 0

  constructor({ shards, limits }: { shards: number; limits: RecentLimits }) {
    this.#shards = shards
    this.#limits = limits
  }

  /** The latest that is known. */
  get position(): Position {
    return this.#position
  }

  /** The entries behind this position are here. */
  get floor(): Position {
    return this.#position - this.#entries.length
  }

  /** Nothing before `position` is of use any more. */
  reset(position: Position): void {
    this.#entries = []
    this.#bytes = 0
    this.#position = position
  }

  /**
   * Takes the entries that follow `after`, in order. What is known already stays; what does not join on to it is the newer
   * one's and replaces it.
   */
  add(after: Position, entries: readonly NewEntry[]): void {
    const last = after + entries.length
    if (last < this.floor) return
    if (after > this.#position) this.reset(after)
    if (after < this.floor) {
      const older = entries.slice(0, this.floor - after).map((each) => this.#recent(each))
      this.#entries = [...older, ...this.#entries]
      for (const { bytes } of older) this.#bytes += bytes
    }
    for (const each of entries) if (each.entry.position > this.#position) this.#push(this.#recent(each))
  }

  /** Lets go of old entries that no shard lacks, beyond what is worth keeping. */
  trim(needed: Position): void {
    const { entriesMax, bytesMax } = this.#limits
    let count = 0
    let bytes = this.#bytes
    while (this.floor + count < needed && (this.#entries.length - count > entriesMax || bytes > bytesMax))
      bytes -= this.#entries[count++]?.bytes ?? 0
    if (count === 0) return
    this.#entries.splice(0, count)
    this.#bytes = bytes
  }

  /** The entries in `(after, upTo]`. Callers must not ask below `floor`. */
  between(after: Position, upTo: Position): readonly RecentEntry[] {
    const { floor } = this
    return this.#entries.slice(Math.max(0, after - floor), Math.max(0, upTo - floor))
  }

  /** What a shard that has applied `after` lacks of `upTo`. */
  pending(shard: number, after: Position, upTo: Position): Pending {
    const pending = new Pending()
    for (const { writesOf } of this.between(after, upTo)) {
      const writes = writesOf.get(shard)
      if (writes) pending.add(writes)
    }
    return pending
  }

  tagAt(position: Position): Tag | undefined {
    return this.#entries[position - this.floor - 1]?.tag
  }

  #recent({ entry, tag }: NewEntry): RecentEntry {
    const writesOf = new Map<number, LogEntry['writes'][number][]>()
    let bytes = 0
    for (const write of entry.writes) {
      bytes += write.key.length + (write.value?.length ?? 0)
      const shard = shardOf(write, this.#shards)
      const known = writesOf.get(shard)
      if (known) known.push(write)
      else writesOf.set(shard, [write])
    }
    return { entry, tag, bytes, writesOf }
  }

  #push(recent: RecentEntry): void {
    this.#entries.push(recent)
    this.#bytes += recent.bytes
    this.#position = recent.entry.position
  }
}
