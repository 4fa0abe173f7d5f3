/**
 * Transactions in groups, each of which is one commit of the store. The works of a group run one after the other over what
 * the peer knows and what those before them wrote, so that no two of one peer are ever in conflict.
 *
 * ```
 * A ─┐ queue   A runs             ┌ committed: everybody hears of success or failure
 * B ─┼──────▶  B misses a row ──┐ │ conflict:  the works queue again, at the front
 * C ─┘         C runs over A    │ └ unknown, or the store is down: everybody hears of that
 *              commit A and C   └▶ the row is fetched beside, and B queues again
 * ```
 *
 * An insert does not wait to hear that there is no such row: that it is not there is proven with, or right before, the commit.
 *
 * A work that fails decides by what it saw as much as one that succeeds: its reads are proven with the others', and its error
 * is told after that. What only reads is proven by asking the store what is new, unless its session has asked already.
 */

import { TooBusy } from '@atoll/kit'
import { TransactionConflict, TransactionTooLarge } from '../errors.ts'
import type { Change, CommitLimits } from '../stores/key-value/key-value-store.ts'
import type { Cache } from './cache.ts'
import type { Commits } from './commits.ts'
import type { Wanted } from './guesses.ts'
import type { Looks } from './looks.ts'
import { OpenTransaction } from './open-transaction.ts'
import { ReadLog } from './read-log.ts'
import { countRoundTrip, currentSession, type Session } from './session.ts'
import type { StoreStatistics } from './statistics.ts'
import type { Turns } from './turns.ts'
import { WorkQueue } from './work-queue.ts'
import { inOneTurn, WorkScope } from './work-scope.ts'

export interface TransactionGroupsOptions {
  readonly cache: Cache
  readonly looks: Looks
  readonly commits: Commits
  readonly limits: CommitLimits
  readonly statistics: StoreStatistics
  readonly turns: Turns
  /** See `WorkQueueOptions`. */
  readonly defer: (action: () => void) => void
  readonly groupMax: number
  /** How many transactions may wait; one more is refused with `TooBusy`. */
  readonly waitingMax: number
}

export type Work<Result> = (scope: WorkScope) => Promise<Result>

interface Waiting {
  readonly work: Work<unknown>
  readonly session: Session | undefined
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
  conflicts: number
  misses: number
}

/** Works of one attempt that ran to their end, and how each will hear of it. */
interface Attempt {
  readonly transaction: OpenTransaction
  readonly finished: { readonly waiting: Waiting; readonly settle: () => void }[]
  readonly changes: Change[]
}

/** More bad luck than turns leave room for. */
const CONFLICTS_MAX = 100
/** Each miss brings something; a work that needs more rounds than this runs over more than the cache can hold. */
const MISSES_MAX = 100

export class TransactionGroups {
  readonly #options: TransactionGroupsOptions
  readonly #queue: WorkQueue<Waiting>
  /** Works whose callers have not heard of an end. */
  readonly #open = new Set<Promise<unknown>>()

  constructor(options: TransactionGroupsOptions) {
    this.#options = options
    const { defer, groupMax } = options
    this.#queue = new WorkQueue({ defer, groupMax, runGroup: (group) => this.#runGroup(group) })
  }

  /** Runs `work` in the next group, and again as often as it takes. @throws TransactionConflict, TransactionTooLarge, TooBusy */
  run<Result>(work: Work<Result>): Promise<Result> {
    if (this.#open.size >= this.#options.waitingMax)
      return Promise.reject(TooBusy({ what: 'the store' }, { retryAfterMs: 1000 }))
    const settled = new Promise<unknown>((resolve, reject) => {
      const session = currentSession()
      this.#queue.add({ work, session, resolve, reject, conflicts: 0, misses: 0 })
    })
    const open: Promise<unknown> = settled.catch(() => undefined).then(() => this.#open.delete(open))
    this.#open.add(open)
    return settled as Promise<Result>
  }

  /** Resolves when every transaction has ended. */
  async drained(): Promise<void> {
    while (this.#open.size > 0) await Promise.all(this.#open)
  }

  async #runGroup(group: readonly Waiting[]): Promise<void> {
    let attempt: Attempt | undefined
    try {
      if (this.#options.cache.position === null) await this.#options.looks.look()
      attempt = await this.#attempt(group)
      // To have let others go counts as a refusal: whoever does so time and again asks for a turn as well.
      const isProven =
        !(await this.#options.turns.letOthersGo(attempt.transaction)) && (await this.#prove(attempt))
      if (isProven) this.#settle(attempt)
      else await this.#tryAgain(attempt)
    } catch (error) {
      const failed = attempt ? attempt.finished.map(({ waiting }) => waiting) : group
      for (const { reject } of failed) reject(error)
    } finally {
      attempt?.transaction.stop()
    }
  }

  async #attempt(group: readonly Waiting[]): Promise<Attempt> {
    const transaction = new OpenTransaction(this.#options.cache)
    const attempt: Attempt = { transaction, finished: [], changes: [] }
    for (const [index, waiting] of group.entries()) {
      const mark = transaction.mark()
      const scope = new WorkScope(transaction)
      const settle = await this.#runOne(waiting, scope)
      const missing = scope.end()
      if (missing) {
        transaction.forgetSince(mark)
        this.#fetch(waiting, missing)
      } else if (!this.#isWithinLimits(transaction)) {
        transaction.forgetSince(mark)
        if (index > 0) {
          this.#queue.addFirst(group.slice(index))
          break
        }
        waiting.reject(TransactionTooLarge({}))
      } else {
        if (settle.hasFailed) transaction.rollBackTo(mark)
        else attempt.changes.push(...scope.changes)
        attempt.finished.push({ waiting, settle: settle.tell })
      }
    }
    return attempt
  }

  async #runOne(
    { work, resolve, reject }: Waiting,
    scope: WorkScope,
  ): Promise<{ hasFailed: boolean; tell: () => void }> {
    try {
      const value = await inOneTurn(() => work(scope))
      return { hasFailed: false, tell: () => resolve(value) }
    } catch (error) {
      return { hasFailed: true, tell: () => reject(error) }
    }
  }

  // Whether what was read still held when what was written became durable.
  async #prove(attempt: Attempt): Promise<boolean> {
    const { looks, commits } = this.#options
    const { transaction, finished, changes } = attempt
    if (finished.length === 0) return true
    if (transaction.isDoomed) return false
    const isIdle = transaction.buffer.size === 0 && changes.length === 0
    if (isIdle && transaction.reads.size === 0) return true
    if (!(await this.#proveGuesses(attempt, isIdle))) return false
    if (isIdle) {
      const isFresh = finished.every(({ waiting }) => waiting.session?.isFresh)
      if (transaction.guesses.size === 0 && !isFresh) {
        await counted(attempt, looks.look())
      }
      return !transaction.isDoomed
    }
    const { reads, numbers, guesses } = transaction
    transaction.stop()
    const absent = commits.looksForAbsence ? guesses : undefined
    const draft = { reads, writes: transaction.toWrites(), numbers, changes, absent }
    const isCommitted = await counted(attempt, commits.commit(draft))
    // Whatever was in the way of a guess is known when the works run again.
    if (!isCommitted && absent && absent.size > 0) await looks.look(absent)
    return isCommitted
  }

  // A store that looks for absence itself does so in the commit.
  async #proveGuesses(attempt: Attempt, isIdle: boolean): Promise<boolean> {
    const { cache, looks, commits } = this.#options
    const { transaction } = attempt
    if (transaction.guesses.size === 0 || (commits.looksForAbsence && !isIdle)) return true
    await counted(attempt, looks.look(transaction.guesses))
    return !transaction.isDoomed && transaction.guesses.areRight(cache)
  }

  #settle({ finished }: Attempt): void {
    this.#options.statistics.transactions += finished.length
    if (finished.every(({ waiting }) => waiting.conflicts === 0)) this.#options.turns.wentWell()
    for (const { waiting, settle } of finished) {
      if (waiting.session) waiting.session.isFresh = true
      settle()
    }
  }

  // At once, since the cache has just been brought up to date: of all who try, one gets through each time.
  async #tryAgain({ finished, transaction }: Attempt): Promise<void> {
    const { statistics, commits, turns } = this.#options
    statistics.conflicts++
    turns.refusedBy([...transaction.doomedBy, ...commits.latest], transaction)
    let conflictsMax = 0
    const patient: Waiting[] = []
    for (const { waiting } of finished) {
      conflictsMax = Math.max(conflictsMax, ++waiting.conflicts)
      if (waiting.conflicts <= CONFLICTS_MAX) patient.push(waiting)
      else waiting.reject(TransactionConflict({}))
    }
    const turn = turns.ask(conflictsMax, commits)
    if (turn) await commits.commit({ reads: new ReadLog(), writes: [], numbers: 0, changes: [turn] })
    this.#queue.addFirst(patient)
  }

  #fetch(waiting: Waiting, missing: Wanted): void {
    this.#options.statistics.misses++
    if (++waiting.misses > MISSES_MAX) {
      waiting.reject(TransactionTooLarge({}))
      return
    }
    const look = this.#options.looks.look(missing)
    countRoundTrip(waiting.session, look)
    look.then(() => this.#queue.addFirst([waiting]), waiting.reject)
  }

  #isWithinLimits({ buffer, reads }: OpenTransaction): boolean {
    const { writesMax, readsMax, bytesMax } = this.#options.limits
    if (buffer.size > writesMax || buffer.bytes > bytesMax) return false
    if (reads.size <= readsMax) return true
    const { keys, ranges } = reads.toReadSet()
    return keys.length + ranges.length <= readsMax
  }
}

function counted<Answer>({ finished }: Attempt, answer: Promise<Answer>): Promise<Answer> {
  for (const { waiting } of finished) countRoundTrip(waiting.session, answer)
  return answer
}
