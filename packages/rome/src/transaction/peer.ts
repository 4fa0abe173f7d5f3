/** One peer's use of a key/value store: its cache, its reads, its transactions, and what it hears of others. */

import type { Clock, Random } from '@atoll/kit'
import { TransactionTooLarge } from '../errors.ts'
import { Missing } from '../execute/workspace.ts'
import type { Change, KeyValueStore, LogEntry } from '../stores/key-value/key-value-store.ts'
import { Cache } from './cache.ts'
import { Commits } from './commits.ts'
import { followNews } from './follow-news.ts'
import type { Wanted } from './guesses.ts'
import { LayeredWorkspace } from './layered-workspace.ts'
import { Looks } from './looks.ts'
import { patientStore } from './patient-store.ts'
import { countRoundTrip, currentSession, inSession } from './session.ts'
import { noStatistics, type StoreStatistics } from './statistics.ts'
import { TransactionGroups, type Work } from './transaction-groups.ts'
import { isTurn, Turns } from './turns.ts'
import { ROUNDS_MAX, UserTransaction } from './user-transaction.ts'
import type { Statement } from './work-scope.ts'

export interface PeerOptions {
  readonly store: KeyValueStore
  readonly clock: Clock
  readonly random: Random
  /** An estimate of what the cache may take. More saves round trips; the default holds about 50,000 rows. */
  readonly cacheBytesMax?: number
  /** See `WorkQueueOptions.defer`. */
  readonly defer?: (action: () => void) => void
  /** How many transactions share a commit at most. */
  readonly groupMax?: number
  /** How many transactions may wait; one more is refused. */
  readonly waitingMax?: number
  /** How long one answer of the store may take before it counts as lost: longer than a failover takes. */
  readonly answerMsMax?: number
  /** For how long a store that cannot be reached is asked again before callers hear of it. */
  readonly patienceMs?: number
}

/** Called with what others have committed; with nothing when that is not known: then anything may have changed. */
export type ForeignCommitListener = (changes: readonly Change[]) => void

export class Peer {
  readonly statistics: StoreStatistics = noStatistics()
  readonly #store: KeyValueStore
  readonly #cache: Cache
  readonly #looks: Looks
  readonly #commits: Commits
  readonly #groups: TransactionGroups
  readonly #turns: Turns
  readonly #reader: LayeredWorkspace
  readonly #listeners = new Set<ForeignCommitListener>()
  readonly #closing = new AbortController()
  readonly #following: Promise<void>
  #closed: Promise<void> | undefined

  constructor(options: PeerOptions) {
    const {
      clock,
      random,
      cacheBytesMax = 64 * 1024 * 1024,
      answerMsMax = 10_000,
      patienceMs = 5_000,
    } = options
    const { defer = setImmediate, groupMax = 256, waitingMax = 10_000 } = options
    const { statistics } = this
    const store = patientStore(options.store, { clock, random, answerMsMax, patienceMs })
    const cache = new Cache({ bytesMax: cacheBytesMax, onEntry: (entry) => this.#hear(entry) })
    const looks = new Looks({ store, cache, statistics })
    const commits = new Commits({ store, cache, statistics, random, clock })
    this.#turns = new Turns({ store, looks, clock, owner: commits.mark })
    const { limits } = store
    this.#groups = new TransactionGroups({
      ...{ cache, looks, commits, limits, statistics, turns: this.#turns, defer, groupMax, waitingMax },
    })
    this.#store = store
    this.#cache = cache
    this.#looks = looks
    this.#commits = commits
    this.#reader = new LayeredWorkspace(cache)
    this.#following = followNews({ store, cache, looks, clock, signal: this.#closing.signal })
  }

  get description(): string {
    return this.#store.description
  }

  /** Runs what only reads, over a state that is no older than this call, or than its session. */
  async read<Result>(statement: Statement<Result>): Promise<Result> {
    const session = currentSession()
    let isFresh = session?.isFresh ?? false
    for (let rounds = 0; rounds < ROUNDS_MAX; rounds++) {
      const { position } = this.#cache
      const attempt = attemptOf(() => statement(this.#reader))
      if (isFresh && !(attempt instanceof Missing)) return attempt.outcome()
      const look = this.#looks.look(attempt instanceof Missing ? attempt : undefined)
      countRoundTrip(session, look)
      await look
      isFresh = true
      if (session) session.isFresh = true
      // Nothing has happened since, so that what was found holds as of the answer.
      if (!(attempt instanceof Missing) && this.#cache.position === position) return attempt.outcome()
    }
    throw TransactionTooLarge({})
  }

  /** Runs `work` as one serializable transaction; see `Store.transaction`. */
  transaction<Result>(work: Work<Result>): Promise<Result> {
    return this.#groups.run(work)
  }

  /** Begins a transaction that its user ends. */
  begin(): UserTransaction {
    const { limits } = this.#store
    return new UserTransaction({ cache: this.#cache, looks: this.#looks, commits: this.#commits, limits })
  }

  /** See `Store.session`. */
  session<Result>(work: () => Promise<Result>): Promise<Result> {
    return inSession(work, ({ roundTrips }) => {
      const { statistics } = this
      statistics.sessions++
      statistics.sessionRoundTrips += roundTrips
      statistics.sessionRoundTripsMax = Math.max(statistics.sessionRoundTripsMax, roundTrips)
    })
  }

  /** The latest number of any commit. */
  async headNumber(): Promise<number> {
    const session = currentSession()
    if (session?.isFresh) return this.#cache.number
    const look = this.#looks.look()
    countRoundTrip(session, look)
    await look
    if (session) session.isFresh = true
    return this.#cache.number
  }

  /** Brings what will be needed, in one round trip. */
  bring(wanted: Wanted): Promise<void> {
    return this.#looks.look(wanted)
  }

  onForeignCommit(listener: ForeignCommitListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Waits for transactions under way. Safe to call twice. */
  close(): Promise<void> {
    this.#closed ??= (async () => {
      await this.#groups.drained()
      this.#closing.abort()
      await this.#store.close()
      await this.#following
    })()
    return this.#closed
  }

  #hear(entry: LogEntry | null): void {
    this.#turns.hear(entry)
    if (entry && (entry.changes.length === 0 || this.#commits.isOwn(entry.id) || isTurn(entry))) return
    const changes = entry?.changes ?? []
    for (const listener of this.#listeners) queueMicrotask(() => listener(changes))
  }
}

interface Outcome<Result> {
  /** @throws what the statement threw */
  outcome(): Result
}

function attemptOf<Result>(run: () => Result): Outcome<Result> | Missing {
  try {
    const result = run()
    return { outcome: () => result }
  } catch (error) {
    if (error instanceof Missing) return error
    return {
      outcome: () => {
        throw error
      },
    }
  }
}
