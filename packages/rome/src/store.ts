/** What services are given as their state, whatever keeps it. */

import type { Kysely } from 'kysely'
import type { Table } from './schema/define-table.ts'
import type { Change } from './stores/key-value/key-value-store.ts'

/** Tables are known to the type system one by one, through the value that `defineTable` made. */
export type AnyTables = Record<string, Record<string, unknown>>

/** A query builder; `from` and friends of `@atoll/state` give it the types of one table. */
export type Queries = Kysely<AnyTables>

/** What the work of a transaction is given. */
export interface Transaction {
  readonly queries: Queries
  /**
   * A number for one write. Numbers rise in the order of commits, and within one in the order of calls; some may stay
   * unused. It may be provisional until the commit: callers may write it into integer columns that are `numbered`, read
   * it back and compare it, and must not tell anybody before the commit.
   */
  nextNumber(): Promise<number>
  /**
   * Says that no row of `table` can have this primary key (by column), since it has just been drawn at random. A store
   * that is far away then need not look, and above all not again for another key each time that the work is run.
   */
  assumeNew(table: string, primaryKey: Readonly<Record<string, unknown>>): void
  /** What other peers that share the store are told of this commit. */
  announce(changes: readonly Change[]): void
}

export interface Store {
  /** For people: which store, and where. */
  readonly description: string
  /** How often a server was asked for something so far and its answer awaited, on whoever's behalf; 0 where there is none. */
  readonly roundTrips: number
  /** Sees only what is committed and durable; never a transaction under way. */
  readonly read: Queries
  /**
   * Runs `work` as one serializable transaction. Resolves when the commit is durable; rejects, with nothing
   * written, when `work` throws. Callers must await nothing but queries of the transaction inside `work`, since
   * others wait for it, and must expect `work` to be run again from its start when it met a conflict.
   * @throws TransactionConflict when it met one too often
   */
  transaction<Result>(work: (transaction: Transaction) => Promise<Result>): Promise<Result>
  /**
   * Runs `work`, in which no read is older than the first one. Where each read would ask the store how fresh it is,
   * one question serves for all of them: the reads of one request.
   */
  session<Result>(work: () => Promise<Result>): Promise<Result>
  /** The latest number of any commit: whoever reads after this was answered sees all writes numbered so far. */
  headNumber(): Promise<number>
  /**
   * Calls `listener` with what other peers that share this store have committed; with nothing when this peer was away for
   * so long that it cannot be known: then anything may have changed. Returns how to stop that.
   */
  onForeignCommit(listener: (changes: readonly Change[]) => void): () => void
  /** Creates what is missing of `tables`; never changes or drops anything. */
  ensureTables(tables: readonly Table[]): Promise<void>
  /** Waits for transactions under way, then releases everything. Safe to call twice. */
  close(): Promise<void>
}
