/** Kysely over a workspace in memory, one statement at a time: the engine without transactions and stores. */

import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  Kysely,
  type QueryResult,
} from 'kysely'
import { type ExecuteOptions, executeQuery } from '../execute/execute-query.ts'
import type { Workspace } from '../execute/workspace.ts'
import { RomeAdapter } from '../kysely/adapter.ts'
import { RomeIntrospector } from '../kysely/introspector.ts'
import { RomeQueryCompiler } from '../kysely/query-compiler.ts'
import type { Catalogue } from '../schema/catalogue.ts'
import type { AnyTables, Queries } from '../store.ts'

export interface LocalOptions extends ExecuteOptions {
  readonly catalogue: Catalogue
  readonly workspace: Workspace
  /** Runs the work of one statement on a workspace of its own. */
  readonly attempt?: (<Result>(work: (workspace: Workspace) => Result) => Result) | undefined
}

export function localQueries({ catalogue, workspace, attempt, ...options }: LocalOptions): Queries {
  const run = attempt ?? (<Result>(work: (at: Workspace) => Result) => work(workspace))
  const dialect: Dialect = {
    createAdapter: () => new RomeAdapter(),
    createDriver: () =>
      new LocalDriver(({ query }) => run((at) => executeQuery(query, catalogue, at, options))),
    createIntrospector: () => new RomeIntrospector(() => catalogue),
    createQueryCompiler: () => new RomeQueryCompiler(),
  }
  return new Kysely<AnyTables>({ dialect })
}

class LocalDriver implements Driver, DatabaseConnection {
  readonly #execute: (query: CompiledQuery) => QueryResult<unknown>

  constructor(execute: (query: CompiledQuery) => QueryResult<unknown>) {
    this.#execute = execute
  }

  async executeQuery<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
    return this.#execute(query) as QueryResult<Row>
  }

  async *streamQuery<Row>(query: CompiledQuery): AsyncIterableIterator<QueryResult<Row>> {
    yield await this.executeQuery<Row>(query)
  }

  async acquireConnection(): Promise<DatabaseConnection> {
    return this
  }

  async init(): Promise<void> {}
  async beginTransaction(): Promise<void> {}
  async commitTransaction(): Promise<void> {}
  async rollbackTransaction(): Promise<void> {}
  async releaseConnection(): Promise<void> {}
  async destroy(): Promise<void> {}
}
