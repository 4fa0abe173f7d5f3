/** What services are given as their state, whatever keeps it. */

import type { Kysely } from 'kysely'
import type { Table } from './schema/define-table.ts'

/** Tables are known to the type system one by one, through the value that `defineTable` made. */
export type AnyTables = Record<string, Record<string, unknown>>

/** A query builder; `from` and friends of `@atoll/state` give it the types of one table. */
export type Queries = Kysely<AnyTables>

export interface Store {
  /** Sees only what is committed and durable; never a transaction under way. */
  readonly read: Queries
  /**
   * Runs `work` as one serializable transaction. Resolves when the commit is durable; rejects, with nothing
   * written, when `work` throws. Callers must await nothing but queries of `transaction` inside `work`:
   * others wait for it.
   */
  transaction<Result>(work: (transaction: Queries) => Promise<Result>): Promise<Result>
  /** Creates what is missing of `tables`; never changes or drops anything. */
  ensureTables(tables: readonly Table[]): Promise<void>
  /** Waits for transactions under way, then releases everything. Safe to call twice. */
  close(): Promise<void>
}
