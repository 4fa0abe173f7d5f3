/** The embedded default: one SQLite file per site, durable at commit, nothing to install. */

import Sqlite from 'better-sqlite3'
import { Kysely } from 'kysely'
import { StoreNewer, StoreUnavailable } from '../../errors.ts'
import { type ExistingSchema, missingDefinitions } from '../../schema/data-definition.ts'
import type { Table } from '../../schema/define-table.ts'
import type { AnyTables, Queries, Store, Transaction } from '../../store.ts'
import { CommitNumbers, createNumbers } from './commit-numbers.ts'
import { GroupCommit } from './group-commit.ts'
import { sqliteDialect } from './sqlite-dialect.ts'
import { NO_ACCESS, translateSqliteError } from './sqlite-errors.ts'
import { Statements } from './statements.ts'

/** Rises when an older Atoll could misread what a newer one wrote; additive changes do not raise it. */
const SCHEMA_VERSION = 2

export interface SqliteOptions {
  /** Where the file is, or will be made. Its directory must exist. */
  readonly path: string
  /** See `GroupCommitOptions.defer`. */
  readonly defer?: (action: () => void) => void
  /** See `GroupCommitOptions.groupMax`. 256 transactions of about 0.5 ms keep the first waiting for 0.1 s at most. */
  readonly groupMax?: number
}

/** Opens or makes the store. @throws StoreCorrupt, StoreNewer, StoreInUse, StoreUnavailable */
export function openSqlite(options: SqliteOptions): Store {
  const { path, defer = setImmediate, groupMax = 256 } = options
  const writer = openConnection(path, { readonly: false })
  try {
    prepareWriter(writer, path)
    return new SqliteStore(path, writer, openConnection(path, { readonly: true }), { defer, groupMax })
  } catch (error) {
    writer.close()
    throw translateSqliteError(error, path)
  }
}

class SqliteStore implements Store {
  readonly description: string
  readonly roundTrips = 0
  readonly read: Queries
  readonly #path: string
  readonly #numbers: CommitNumbers
  readonly #writer: Sqlite.Database
  readonly #reader: Sqlite.Database
  readonly #write: Queries
  readonly #group: GroupCommit

  constructor(
    path: string,
    writer: Sqlite.Database,
    reader: Sqlite.Database,
    options: { defer: (action: () => void) => void; groupMax: number },
  ) {
    this.description = `SQLite at ${path}`
    this.#path = path
    this.#writer = writer
    this.#reader = reader
    this.#numbers = new CommitNumbers({ writer, reader })
    this.read = new Kysely<AnyTables>({ dialect: sqliteDialect(new Statements(reader), path) })
    const statements = new Statements(writer)
    this.#write = new Kysely<AnyTables>({ dialect: sqliteDialect(statements, path) })
    this.#group = new GroupCommit({
      ...options,
      execute: (sql) => this.#execute(statements, sql),
      beforeCommit: () => this.#numbers.keep(),
    })
  }

  transaction<Result>(work: (transaction: Transaction) => Promise<Result>): Promise<Result> {
    const transaction: Transaction = {
      queries: this.#write,
      nextNumber: async () => this.#numbers.next(),
      // Looking costs less than remembering.
      assumeNew: () => {},
      // The file has one peer, which knows what it does.
      announce: () => {},
    }
    return this.#group.run(async () => {
      const mark = this.#numbers.mark()
      try {
        return await work(transaction)
      } catch (error) {
        this.#numbers.rollBackTo(mark)
        throw error
      }
    })
  }

  // What the reader sees costs no question.
  session<Result>(work: () => Promise<Result>): Promise<Result> {
    return work()
  }

  async headNumber(): Promise<number> {
    return this.#numbers.head()
  }

  onForeignCommit(): () => void {
    return () => {}
  }

  async ensureTables(tables: readonly Table[]): Promise<void> {
    const statements = new Statements(this.#writer)
    await this.#group.run(async () => {
      for (const sql of missingDefinitions(tables, existingSchema(this.#writer)))
        this.#execute(statements, sql)
    })
  }

  async close(): Promise<void> {
    await this.#group.drained()
    this.#reader.close()
    this.#writer.close()
  }

  #execute(statements: Statements, sql: string): void {
    try {
      statements.execute(sql, [])
    } catch (error) {
      throw translateSqliteError(error, this.#path)
    }
  }
}

function openConnection(path: string, options: { readonly: boolean }): Sqlite.Database {
  try {
    return new Sqlite(path, { ...options, timeout: 1000 })
  } catch (error) {
    // The driver reports a missing directory by a plain TypeError, before SQLite is asked.
    throw error instanceof TypeError
      ? StoreUnavailable({ path, reason: NO_ACCESS }, { cause: error })
      : translateSqliteError(error, path)
  }
}

function prepareWriter(writer: Sqlite.Database, path: string): void {
  writer.pragma('journal_mode = WAL')
  writer.pragma('synchronous = FULL')
  writer.pragma('temp_store = MEMORY')
  // A checkpoint costs two more flushes, so it pays to gather 32 MiB of changes for each.
  writer.pragma('wal_autocheckpoint = 8000')
  const version = Number(writer.pragma('user_version', { simple: true }))
  if (version > SCHEMA_VERSION) throw StoreNewer({ path, version, known: SCHEMA_VERSION })
  if (version === SCHEMA_VERSION) return
  writer.transaction(() => {
    createNumbers(writer)
    writer.pragma(`user_version = ${SCHEMA_VERSION}`)
  })()
}

function existingSchema(database: Sqlite.Database): ExistingSchema {
  const entries = database.prepare('select type, name from sqlite_schema').all() as {
    type: string
    name: string
  }[]
  const tables = entries.filter(({ type }) => type === 'table').map(({ name }) => name)
  const columnsOf = database.prepare('select name from pragma_table_info(?)').pluck()
  return {
    columns: new Map(tables.map((table) => [table, new Set(columnsOf.all(table) as string[])])),
    indexes: new Set(entries.filter(({ type }) => type === 'index').map(({ name }) => name)),
  }
}
