/** A Kysely dialect over one synchronous SQLite connection. Transactions are the group commit's, not Kysely's. */

import { assert } from '@atoll/kit'
import {
  type BinaryOperationNode,
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type LimitNode,
  type OperationNode,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
  ValueNode,
} from 'kysely'
import { translateSqliteError } from './sqlite-errors.ts'
import type { Statements } from './statements.ts'

/** `path` is only for messages. */
export function sqliteDialect(statements: Statements, path: string): Dialect {
  return {
    createAdapter: () => new SynchronousAdapter(),
    createDriver: () => new SqliteDriver(new SqliteConnection(statements, path)),
    createIntrospector: (database) => new SqliteIntrospector(database),
    createQueryCompiler: () => new StablePlanCompiler(),
  }
}

// Each query has ended when it returns, so that nobody need wait for the connection.
class SynchronousAdapter extends SqliteAdapter {
  override get supportsMultipleConnections(): boolean {
    return true
  }
}

/*
 * SQLite prepares a statement anew for each value that could change its plan, which takes ten times as long as to run
 * it (SQLITE_ENABLE_STAT4, https://sqlite.org/compile.html). It does not look at values inside a subquery, and plans once.
 */
class StablePlanCompiler extends SqliteQueryCompiler {
  protected override visitBinaryOperation(node: BinaryOperationNode): void {
    const { leftOperand, operator, rightOperand } = node
    this.visitNode(leftOperand)
    this.append(' ')
    this.visitNode(operator)
    this.append(' ')
    if (ValueNode.is(rightOperand) && !rightOperand.immediate) this.#appendHidden(rightOperand)
    else this.visitNode(rightOperand)
  }

  protected override visitLimit({ limit }: LimitNode): void {
    this.append('limit ')
    this.#appendHidden(limit)
  }

  #appendHidden(value: OperationNode): void {
    this.append('(select ')
    this.visitNode(value)
    this.append(')')
  }
}

class SqliteConnection implements DatabaseConnection {
  readonly #statements: Statements
  readonly #path: string

  constructor(statements: Statements, path: string) {
    this.#statements = statements
    this.#path = path
  }

  async executeQuery<Row>({ sql, parameters }: CompiledQuery): Promise<QueryResult<Row>> {
    try {
      const { rows, changes } = this.#statements.execute(sql, parameters)
      return { rows: rows as Row[], numAffectedRows: BigInt(changes) }
    } catch (error) {
      throw translateSqliteError(error, this.#path)
    }
  }

  async *streamQuery<Row>(query: CompiledQuery): AsyncIterableIterator<QueryResult<Row>> {
    yield await this.executeQuery<Row>(query)
  }
}

class SqliteDriver implements Driver {
  readonly #connection: SqliteConnection

  constructor(connection: SqliteConnection) {
    this.#connection = connection
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<DatabaseConnection> {
    return this.#connection
  }

  async beginTransaction(): Promise<void> {
    assert(false, 'use Store.transaction: a transaction of Kysely would bypass the group commit')
  }

  async commitTransaction(): Promise<void> {}
  async rollbackTransaction(): Promise<void> {}
  async releaseConnection(): Promise<void> {}
  async destroy(): Promise<void> {}
}
