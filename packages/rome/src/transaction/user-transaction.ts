/**
 * A transaction that its user begins and ends, as Kysely's own do: a statement may wait for what it lacks, and the work is
 * not run again when somebody else was first: that is the user's to do, see `retryOnConflict`.
 */

import { assert } from '@atoll/kit'
import { TransactionConflict, TransactionTooLarge } from '../errors.ts'
import { Missing } from '../execute/workspace.ts'
import type { CommitLimits } from '../stores/key-value/key-value-store.ts'
import type { Cache } from './cache.ts'
import type { Commits } from './commits.ts'
import type { Looks } from './looks.ts'
import { type Mark, OpenTransaction } from './open-transaction.ts'
import { countRoundTrip, currentSession } from './session.ts'
import type { Statement, StatementRunner } from './work-scope.ts'

export interface UserTransactionOptions {
  readonly cache: Cache
  readonly looks: Looks
  readonly commits: Commits
  readonly limits: CommitLimits
}

/** Each round brings something; a statement that needs more rounds runs over more than the cache can hold. */
export const ROUNDS_MAX = 100

export class UserTransaction implements StatementRunner {
  readonly #options: UserTransactionOptions
  readonly #savepoints: { readonly name: string; readonly mark: Mark }[] = []
  /** Made with the first statement, when something is known. */
  #transaction: OpenTransaction | undefined
  #isOver = false

  constructor(options: UserTransactionOptions) {
    this.#options = options
  }

  /** @throws TransactionConflict when somebody has changed what was read */
  async run<Result>(statement: Statement<Result>): Promise<Result> {
    const { looks } = this.#options
    const transaction = await this.#begun()
    for (let rounds = 0; rounds < ROUNDS_MAX; rounds++) {
      assert(!this.#isOver, 'a query of a transaction that has ended')
      if (transaction.isDoomed) throw TransactionConflict({})
      const mark = transaction.mark()
      try {
        return statement(transaction.workspace)
      } catch (error) {
        if (!(error instanceof Missing)) {
          transaction.rollBackTo(mark)
          throw error
        }
        transaction.forgetSince(mark)
        await this.#counted(looks.look(error))
      }
    }
    throw TransactionTooLarge({})
  }

  async savepoint(name: string): Promise<void> {
    this.#savepoints.push({ name, mark: (await this.#begun()).mark() })
  }

  async rollBackToSavepoint(name: string): Promise<void> {
    const { mark } = this.#find(name)
    ;(await this.#begun()).rollBackTo(mark)
  }

  releaseSavepoint(name: string): void {
    this.#savepoints.splice(this.#savepoints.indexOf(this.#find(name)))
  }

  /** @throws TransactionConflict, TransactionTooLarge, StoreUnavailable, StoreFull, OutcomeUnknown */
  async commit(): Promise<void> {
    const { looks, commits, limits } = this.#options
    const transaction = this.#end()
    if (!transaction) return
    const { reads, buffer, numbers } = transaction
    try {
      if (transaction.isDoomed) throw TransactionConflict({})
      if (buffer.size === 0 && reads.size === 0) return
      if (buffer.size === 0) {
        await this.#counted(looks.look())
        if (transaction.isDoomed) throw TransactionConflict({})
        return
      }
      const { keys, ranges } = reads.toReadSet()
      const { writesMax, readsMax, bytesMax } = limits
      if (buffer.size > writesMax || buffer.bytes > bytesMax || keys.length + ranges.length > readsMax)
        throw TransactionTooLarge({})
      transaction.stop()
      const draft = { reads, writes: transaction.toWrites(), numbers, changes: [] }
      if (!(await this.#counted(commits.commit(draft)))) throw TransactionConflict({})
    } finally {
      transaction.stop()
    }
  }

  rollBack(): void {
    this.#end()?.stop()
  }

  // What begins long before its commit begins with fresh news, or its first reads would be proven wrong at the end.
  async #begun(): Promise<OpenTransaction> {
    const { cache, looks } = this.#options
    if (this.#transaction) return this.#transaction
    await this.#counted(looks.look())
    this.#transaction ??= new OpenTransaction(cache)
    return this.#transaction
  }

  #counted<Answer>(answer: Promise<Answer>): Promise<Answer> {
    countRoundTrip(currentSession(), answer)
    return answer
  }

  #end(): OpenTransaction | undefined {
    assert(!this.#isOver, 'a transaction ends once')
    this.#isOver = true
    return this.#transaction
  }

  // Of several with one name, the latest, as in SQL.
  #find(name: string): { readonly name: string; readonly mark: Mark } {
    const savepoint = this.#savepoints.findLast((candidate) => candidate.name === name)
    assert(savepoint, `there is no savepoint ${name}`)
    return savepoint
  }
}
