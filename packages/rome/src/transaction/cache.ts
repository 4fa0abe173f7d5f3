/**
 * What a peer knows of a store, as of one position of the log. Each answer of the store moves it on; what it shows between
 * two answers is a state that was.
 *
 * ```
 * look sent at 7 ──▶ answer as of 9 with entries 8, 9          cache 7 ─▶ 9, then takes what the answer shows
 * an older answer, as of 8, comes late                          takes what it shows, then entry 9 over it once more
 * ```
 */

import type { LogEntry, Look, News, Position, Sight, Space } from '../stores/key-value/key-value-store.ts'
import { rowOf } from '../stores/key-value/row-of.ts'
import { Eviction } from './eviction.ts'
import { SpaceCache } from './space-cache.ts'

export interface CacheOptions {
  /** An estimate of the memory that it may take. */
  readonly bytesMax: number
  /** Called with each entry, once and in order; with null when some entries will never be known. */
  readonly onEntry: (entry: LogEntry | null) => void
}

/** Reads that somebody has made and not committed yet. */
export interface OpenReads {
  isTouchedBy(entry: LogEntry): boolean
  /** Called at most once: what was read holds no longer, because of `entry`; or may not, when that is not known. */
  doom(entry: LogEntry | null): void
}

/** Bridge answers that overtake each other: a few entries for each look that is under way would do. */
const RECENT_MAX = 256
const RECENT_BYTES_MAX = 4 * 1024 * 1024

export class Cache {
  readonly #options: CacheOptions
  readonly #spaces = new Map<Space, SpaceCache>()
  readonly #openReads = new Set<OpenReads>()
  readonly #recent: LogEntry[] = []
  #recentBytes = 0
  readonly #eviction: Eviction
  #position: Position | null = null
  #number = 0

  constructor(options: CacheOptions) {
    this.#options = options
    this.#eviction = new Eviction(this.#spaces, options.bytesMax)
  }

  /** Null as long as nothing is known. */
  get position(): Position | null {
    return this.#position
  }

  /** The latest number of any commit, as of `position`. */
  get number(): number {
    return this.#number
  }

  get bytes(): number {
    return this.#eviction.bytes()
  }

  space(name: Space): SpaceCache | undefined {
    return this.#spaces.get(name)
  }

  /** Has `reads` told when an entry touches them. Returns how to stop that. */
  watch(reads: OpenReads): () => void {
    this.#openReads.add(reads)
    return () => this.#openReads.delete(reads)
  }

  /** Takes what a store has shown. An answer that is too old to be of use changes nothing. */
  take(look: Look, sight: Sight): void {
    this.#moveOn(sight, look.after)
    this.#takeShown(look, sight)
    this.#eviction.run()
  }

  /** Follows what is new. `after` is what the store was told that is known here. */
  moveOn(news: News, after: Position | null): void {
    this.#moveOn(news, after)
    this.#eviction.run()
  }

  #takeShown(look: Look, sight: Sight): void {
    const later = this.#entriesAfter(sight.position)
    if (!later) return
    for (const [index, { space, key }] of look.keys.entries()) {
      const value = sight.values[index]
      if (typeof value === 'string') this.#space(space).put(key, value)
      else this.#space(space).putAbsent(key)
    }
    for (const index of look.ranges.keys()) this.#takeRange(look, sight, index)
    for (const entry of later) this.#follow(entry)
  }

  #moveOn(news: News, after: Position | null): void {
    if (this.#position === null) this.#start(news)
    else if (!news.entries) {
      const hasGoneBack = after !== null && news.position < after
      if (hasGoneBack || news.position > this.#position) this.#forgetAll(news)
    } else if (news.position > this.#position) {
      for (const entry of news.entries)
        if (entry.position > this.#position) {
          this.#follow(entry)
          this.#remember(entry)
          this.#position = entry.position
          this.#tell(entry)
        }
      this.#number = news.number
    }
  }

  #start({ position, number }: News): void {
    this.#position = position
    this.#number = number
  }

  #forgetAll(news: News): void {
    this.#spaces.clear()
    this.#recent.length = 0
    this.#recentBytes = 0
    this.#start(news)
    for (const reads of this.#openReads) reads.doom(null)
    this.#openReads.clear()
    this.#options.onEntry(null)
  }

  #tell(entry: LogEntry): void {
    for (const reads of this.#openReads)
      if (reads.isTouchedBy(entry)) {
        this.#openReads.delete(reads)
        reads.doom(entry)
      }
    this.#options.onEntry(entry)
  }

  #follow({ writes }: LogEntry): void {
    for (const { space, key, value } of writes) this.#space(space).follow(key, value)
  }

  #remember(entry: LogEntry): void {
    this.#recent.push(entry)
    this.#recentBytes += bytesOf(entry)
    if (this.#recent.length <= 2 * RECENT_MAX && this.#recentBytes <= RECENT_BYTES_MAX) return
    // Half of them at once, so that the list is not moved for each.
    for (const forgotten of this.#recent.splice(0, Math.ceil(this.#recent.length / 2)))
      this.#recentBytes -= bytesOf(forgotten)
  }

  // What came after an answer; undefined when that is not known any more.
  #entriesAfter(position: Position): readonly LogEntry[] | undefined {
    const missing = (this.#position ?? position) - position
    if (missing < 0 || missing > this.#recent.length) return undefined
    return missing === 0 ? [] : this.#recent.slice(-missing)
  }

  #takeRange(look: Look, sight: Sight, index: number): void {
    const [request, result] = [look.ranges[index], sight.ranges[index]]
    if (!request || !result) return
    const { from, to, isReversed, rowsOf } = request
    const space = this.#space(request.space)
    for (const [at, key] of result.keys.entries()) {
      const value = result.values[at] ?? ''
      if (rowsOf === null) space.put(key, value)
      else {
        space.put(key, '')
        this.#space(rowsOf).put(rowOf(rowsOf, key).key, value)
      }
    }
    const last = result.keys.at(-1)
    if (result.isComplete) space.putInterval(from, to)
    else if (last !== undefined) space.putInterval(isReversed ? last : from, isReversed ? to : `${last}\x00`)
  }

  #space(name: Space): SpaceCache {
    let space = this.#spaces.get(name)
    if (!space) {
      space = new SpaceCache()
      this.#spaces.set(name, space)
    }
    return space
  }
}

function bytesOf({ writes }: LogEntry): number {
  return writes.reduce((sum, { key, value }) => sum + key.length + (value?.length ?? 0), 0)
}
