/** A Kysely dialect over sessions that somebody else keeps. Transactions are the store's, not Kysely's. */

import { assert } from '@atoll/kit'
import type { CompiledQuery, DatabaseConnection, Dialect, Driver, QueryResult } from 'kysely'
import type { SqlQuery, SqlResult } from './sql-connection.ts'

/** Runs one statement in a session of its choice. */
export type ExecuteSql = (query: SqlQuery) => Promise<SqlResult>

export function sqlDialect(base: Omit<Dialect, 'createDriver'>, execute: ExecuteSql): Dialect {
  return { ...base, createDriver: () => new SessionDriver(new Session(execute)) }
}

class Session implements DatabaseConnection {
  readonly #execute: ExecuteSql

  constructor(execute: ExecuteSql) {
    this.#execute = execute
  }

  async executeQuery<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
    const { rows, changes } = await this.#execute(query)
    return { rows: rows as Row[], numAffectedRows: BigInt(changes) }
  }

  async *streamQuery<Row>(query: CompiledQuery): AsyncIterableIterator<QueryResult<Row>> {
    yield await this.executeQuery<Row>(query)
  }
}

class SessionDriver implements Driver {
  readonly #session: Session

  constructor(session: Session) {
    this.#session = session
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<DatabaseConnection> {
    return this.#session
  }

  async beginTransaction(): Promise<void> {
    assert(false, 'use Store.transaction: it alone knows how to run work again after a conflict')
  }

  async commitTransaction(): Promise<void> {}
  async rollbackTransaction(): Promise<void> {}
  async releaseConnection(): Promise<void> {}
  async destroy(): Promise<void> {}
}
