/** One attempt of a transaction: its statements one after the other, and nothing after a conflict. */

import { assert } from '@atoll/kit'
import { StoreUnavailable, TransactionConflict } from '../../errors.ts'
import { PROVISIONAL_FROM } from '../../keyspace/provisional.ts'
import type { Queries, Transaction } from '../../store.ts'
import type { Change } from '../key-value/key-value-store.ts'
import type { SqlQuery, SqlResult, SqlWriter } from './sql-connection.ts'

export class SqlTransaction implements Transaction {
  readonly queries: Queries
  readonly nextNumber = async (): Promise<number> => PROVISIONAL_FROM + this.#numbers++
  /** The database looks by itself. */
  readonly assumeNew = (): void => {}
  readonly announce = (changes: readonly Change[]): void => {
    for (const change of changes) this.#changes.set(`${change.table} ${change.id}`, change)
  }
  readonly #writer: SqlWriter
  readonly #changes = new Map<string, Change>()
  #numbers = 0
  #hasWritten = false
  #failure: unknown
  #isOpen = true
  /** The end of the statement before: a session does one thing at a time. */
  #last: Promise<unknown> = Promise.resolve()

  constructor(writer: SqlWriter, makeQueries: (execute: (query: SqlQuery) => Promise<SqlResult>) => Queries) {
    this.#writer = writer
    this.queries = makeQueries((query) => this.#execute(query))
  }

  /** What made this attempt worthless, even if the work has swallowed it. */
  get failure(): unknown {
    return this.#failure
  }

  get hasWritten(): boolean {
    return this.#hasWritten
  }

  /** Ends the work, and the transaction with it. @throws TransactionConflict, StoreUnavailable, OutcomeUnknown */
  async commit(ids: { readonly id: string; readonly peer: string }): Promise<void> {
    await this.#last
    this.#isOpen = false
    if (this.#failure !== undefined) throw this.#failure
    if (!this.#hasWritten) return this.#writer.commitRead()
    await this.#writer.commit({ ...ids, numbers: this.#numbers, changes: [...this.#changes.values()] })
  }

  async rollback(): Promise<void> {
    await this.#last
    this.#isOpen = false
    if (!this.#writer.isUsable) return
    try {
      await this.#writer.rollback()
    } catch {
      // The session cannot be trusted any more; the server rolls back what it ends.
      this.#writer.destroy()
    }
  }

  #execute(query: SqlQuery): Promise<SqlResult> {
    const result = this.#last.then(() => this.#executeNow(query))
    this.#last = result.catch(() => {})
    return result
  }

  async #executeNow(query: SqlQuery): Promise<SqlResult> {
    assert(this.#isOpen, 'a query of a transaction that has ended')
    if (this.#failure !== undefined) throw this.#failure
    this.#hasWritten ||= !/^\s*select\b/i.test(query.sql)
    try {
      return await this.#writer.execute(query)
    } catch (error) {
      if (TransactionConflict.is(error) || StoreUnavailable.is(error) || !this.#writer.isUsable)
        this.#failure = error
      throw error
    }
  }
}
