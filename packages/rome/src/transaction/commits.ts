/** Brings a commit to its end: where the store leaves the search for conflicts to its caller, looks for them and asks again. */

import { assert, assertNever, type Clock, type Random } from '@atoll/kit'
import type { Commit, KeyValueStore, LogEntry } from '../stores/key-value/key-value-store.ts'
import type { Cache } from './cache.ts'
import type { Guesses } from './guesses.ts'
import type { ReadLog } from './read-log.ts'
import { countCommit, type StoreStatistics } from './statistics.ts'

export interface CommitsOptions {
  readonly store: KeyValueStore
  readonly cache: Cache
  readonly statistics: StoreStatistics
  readonly random: Random
  readonly clock: Clock
}

export interface Draft extends Pick<Commit, 'writes' | 'numbers' | 'changes'> {
  readonly reads: ReadLog
  /** Only for stores that look for absence. */
  readonly absent?: Guesses | undefined
}

/** How often the log may move on before a commit counts as a conflict, which has a pause before the next try. */
const MOVED_MAX = 16

export class Commits {
  readonly #options: CommitsOptions
  /** What the ids of this peer's commits begin with. */
  readonly mark: string
  #count = 0
  #latest: readonly LogEntry[] = []
  #roundTripMs = 0

  constructor(options: CommitsOptions) {
    this.#options = options
    this.mark = `${Buffer.from(options.random.bytes(9)).toString('base64url')}.`
  }

  get looksForAbsence(): boolean {
    return this.#options.store.looksForAbsence === true
  }

  /** What the latest answer told. */
  get latest(): readonly LogEntry[] {
    return this.#latest
  }

  /** How long the latest answer took. */
  get roundTripMs(): number {
    return this.#roundTripMs
  }

  /** Whether this peer has made the commit of that id. */
  isOwn(id: string): boolean {
    return id.startsWith(this.mark)
  }

  /**
   * Commits what was read and written on the cache as it is now. Answers whether it is durable; otherwise somebody else
   * was first, and the cache has moved on. @throws StoreUnavailable, StoreFull, OutcomeUnknown
   */
  async commit({ reads, writes, numbers, changes, absent }: Draft): Promise<boolean> {
    const { store, cache, statistics, clock } = this.#options
    assert(cache.position !== null, 'a commit of somebody who knows nothing')
    let commit: Commit = {
      id: `${this.mark}${(++this.#count).toString(36)}`,
      after: cache.position,
      reads: reads.toReadSet(),
      writes,
      numbers,
      changes,
      ...(absent && absent.size > 0 && { absent: absent.toReadSet() }),
    }
    for (let moves = 0; ; moves++) {
      const startedMs = clock.monotonicMs()
      const outcome = await store.commit(commit)
      this.#roundTripMs = clock.monotonicMs() - startedMs
      this.#latest = outcome.entries ?? []
      countCommit(statistics, commit, outcome)
      cache.moveOn(outcome, commit.after)
      switch (outcome.kind) {
        case 'committed':
          return true
        case 'conflict':
          return false
        case 'moved': {
          const isTouched = !outcome.entries || outcome.entries.some((entry) => reads.isTouchedBy(entry))
          if (isTouched || moves >= MOVED_MAX) return false
          commit = { ...commit, after: outcome.position }
          break
        }
        default:
          assertNever(outcome)
      }
    }
  }
}
