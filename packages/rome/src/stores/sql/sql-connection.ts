/** What the store of a SQL server needs of a connection and of the server behind it. */

import type { Dialect } from 'kysely'
import type { Table } from '../../schema/define-table.ts'
import type { Change } from '../key-value/key-value-store.ts'
import type { Catalogue } from './catalogue.ts'
import type { CommitNotes } from './commit-notes.ts'

/** A statement; `query` is Kysely's tree, for servers that cannot do all of it at once. */
export interface SqlQuery {
  readonly sql: string
  readonly parameters: readonly unknown[]
  readonly query?: unknown
}

export interface SqlResult {
  readonly rows: Record<string, unknown>[]
  /** How many rows were written, or matched by an update; 0 for what only reads. */
  readonly changes: number
}

/** One session of the server. Callers must await each statement before the next. */
export interface SqlConnection {
  /** False when the server or the network has ended it: it must be destroyed. */
  readonly isUsable: boolean
  /** @throws the typed errors of this package */
  execute(query: SqlQuery): Promise<SqlResult>
  destroy(): void
}

/** How a transaction that has written ends. */
export interface Ending {
  /** Unique among all commits. */
  readonly id: string
  /** Of the store that commits, so that it does not hear of itself. */
  readonly peer: string
  /** How many provisional numbers were given. */
  readonly numbers: number
  readonly changes: readonly Change[]
}

/** A session for transactions, which are serializable. */
export interface SqlWriter extends SqlConnection {
  /**
   * Starts a transaction; a failure shows in its first statement.
   * @param options.isRepeated whether others were in its way before: it may lock more, and sooner
   */
  begin(options: { readonly isRepeated: boolean }): void
  /**
   * Takes real numbers for the provisional ones, puts them into the announced rows, notes the commit for others, and commits:
   * in one round trip. Nothing but the end of the commit lies between taking the numbers and seeing them.
   */
  commit(ending: Ending): Promise<void>
  /** Ends a transaction that has written nothing. */
  commitRead(): Promise<void>
  rollback(): Promise<void>
}

/** A commit as it is noted for other peers. */
export interface CommitNote {
  readonly position: number
  /** The position of the oldest note that is kept. */
  readonly oldest: number
  readonly peer: string
  readonly changes: readonly Change[]
}

export interface Head {
  /** How many commits have been noted; some numbers may be left out. */
  readonly position: number
  /** All commits numbered up to it are visible. */
  readonly number: number
}

/** One kind of server, at one place. */
export interface SqlServer {
  /** For people, without a password. */
  readonly description: string
  readonly catalogue: Catalogue
  readonly notes: CommitNotes
  readonly dialect: Omit<Dialect, 'createDriver'>
  /** A session that sees what is committed, each statement for itself. @throws StoreUnavailable */
  connectReader(): Promise<SqlConnection>
  connectWriter(): Promise<SqlWriter>
  /** Whether what `connect…` threw says that the server has as many sessions as it may. */
  isCrowded(error: unknown): boolean
  /** Makes the tables of ROME itself, checks that commits will be durable, and says what is not as it should be. */
  prepare(): Promise<void>
  ensureTables(tables: readonly Table[]): Promise<void>
  head(connection: SqlConnection): Promise<Head>
  /** Whether the commit is there, after every commit that was under way has ended. */
  isCommitted(writer: SqlWriter, id: string): Promise<boolean>
}
