/** Kysely's driver over a peer: what reads is read, what writes is a transaction, and Kysely's own transactions are kept apart. */

import { assert } from '@atoll/kit'
import type { CompiledQuery, DatabaseConnection, Driver, QueryResult } from 'kysely'
import { executeQuery } from '../execute/execute-query.ts'
import { growSchema } from '../schema/grow-schema.ts'
import type { StoreCatalogue } from '../schema/store-catalogue.ts'
import type { Peer } from '../transaction/peer.ts'
import type { UserTransaction } from '../transaction/user-transaction.ts'
import type { Statement, StatementRunner } from '../transaction/work-scope.ts'

/** Whether it looks for rows only in order not to find them. */
function isPlainInsert({ query }: CompiledQuery): boolean {
  return query.kind === 'InsertQueryNode' && query.values?.kind === 'ValuesNode' && !query.onConflict
}

/** How queries become statements. */
export interface Engine {
  readonly peer: Peer
  readonly catalogue: StoreCatalogue
}

export function statementOf<Row>(
  { query }: CompiledQuery,
  catalogue: StoreCatalogue,
): Statement<QueryResult<Row>> {
  return (workspace) => executeQuery(query, catalogue.current(workspace), workspace) as QueryResult<Row>
}

/** Brings the store's schema up to `tables`. @throws UniqueViolation when rows are in the way of a new unique index */
export function ensureTables(
  tables: Parameters<typeof growSchema>[0],
  { peer, catalogue }: Engine,
): Promise<void> {
  return growSchema(tables, {
    catalogue,
    run: (statement) => peer.transaction((scope) => scope.run(statement)),
  })
}

/** Runs each query where `runner` says. */
export class RomeConnection implements DatabaseConnection {
  readonly #catalogue: StoreCatalogue
  readonly #runner: StatementRunner | undefined
  readonly #peer: Peer | undefined
  /** Between begin and commit of one of Kysely's own. */
  transaction: UserTransaction | undefined

  constructor(catalogue: StoreCatalogue, { runner, peer }: { runner?: StatementRunner; peer?: Peer }) {
    this.#catalogue = catalogue
    this.#runner = runner
    this.#peer = peer
  }

  async executeQuery<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
    const statement = statementOf<Row>(query, this.#catalogue)
    const runner = this.transaction ?? this.#runner
    const options = { expectsNothing: isPlainInsert(query) }
    if (runner) return runner.run(statement, options)
    assert(this.#peer, 'a connection that leads nowhere')
    if (query.query.kind === 'SelectQueryNode') return this.#peer.read(statement)
    return this.#peer.transaction((scope) => scope.run(statement, options))
  }

  /** As of one position; in pieces of `chunkSize` rows. */
  async *streamQuery<Row>(query: CompiledQuery, chunkSize = 100): AsyncIterableIterator<QueryResult<Row>> {
    const { rows, ...rest } = await this.executeQuery<Row>(query)
    for (let from = 0; from < rows.length; from += chunkSize)
      yield { ...rest, rows: rows.slice(from, from + chunkSize) }
  }
}

export interface RomeDriverOptions {
  readonly engine: Engine
  /** Called once, before the first query. */
  readonly onInit?: () => Promise<void>
  /** Called at the end of the Kysely to which this belongs. */
  readonly onDestroy?: () => Promise<void>
}

export class RomeDriver implements Driver {
  readonly #options: RomeDriverOptions

  constructor(options: RomeDriverOptions) {
    this.#options = options
  }

  async init(): Promise<void> {
    await this.#options.onInit?.()
  }

  async acquireConnection(): Promise<DatabaseConnection> {
    const { catalogue, peer } = this.#options.engine
    return new RomeConnection(catalogue, { peer })
  }

  /** Every isolation level is served by serializable. */
  async beginTransaction(connection: DatabaseConnection): Promise<void> {
    ownOf(connection).transaction = this.#options.engine.peer.begin()
  }

  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await takeTransaction(connection)?.commit()
  }

  /** Kysely also calls this after a commit that failed, when there is nothing left to roll back. */
  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    takeTransaction(connection)?.rollBack()
  }

  async savepoint(connection: DatabaseConnection, name: string): Promise<void> {
    await transactionOf(connection).savepoint(name)
  }

  async rollbackToSavepoint(connection: DatabaseConnection, name: string): Promise<void> {
    await transactionOf(connection).rollBackToSavepoint(name)
  }

  async releaseSavepoint(connection: DatabaseConnection, name: string): Promise<void> {
    transactionOf(connection).releaseSavepoint(name)
  }

  async releaseConnection(): Promise<void> {}

  async destroy(): Promise<void> {
    await this.#options.onDestroy?.()
  }
}

function ownOf(connection: DatabaseConnection): RomeConnection {
  assert(connection instanceof RomeConnection, 'a connection of another driver')
  return connection
}

function transactionOf(connection: DatabaseConnection): UserTransaction {
  const { transaction } = ownOf(connection)
  assert(transaction, 'no transaction was begun')
  return transaction
}

function takeTransaction(connection: DatabaseConnection): UserTransaction | undefined {
  const own = ownOf(connection)
  const { transaction } = own
  own.transaction = undefined
  return transaction
}
