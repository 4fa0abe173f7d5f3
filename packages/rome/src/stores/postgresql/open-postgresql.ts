/** A store on a PostgreSQL server. */

import { PostgresAdapter, PostgresIntrospector } from 'kysely'
import { StoreUnavailable } from '../../errors.ts'
import type { Table } from '../../schema/define-table.ts'
import type { Store } from '../../store.ts'
import type { StoreServer, StoreUrl } from '../../store-url.ts'
import { Catalogue } from '../sql/catalogue.ts'
import { CommitNotes } from '../sql/commit-notes.ts'
import { missingSql } from '../sql/definitions.ts'
import { requireVersion } from '../sql/own-version.ts'
import { CONNECT_MS_MAX, Reach } from '../sql/reach.ts'
import type { Head, SqlConnection, SqlServer, SqlWriter } from '../sql/sql-connection.ts'
import { openSqlStore, type SqlStoreOptions } from '../sql/sql-store.ts'
import { idleMsMax, LOCK_MS_MAX, STATEMENT_MS_MAX } from '../sql/time-limits.ts'
import { PostgresqlCompiler } from './postgresql-compiler.ts'
import { OriginColumns, PostgresqlConnection } from './postgresql-connection.ts'
import { isCrowded } from './postgresql-errors.ts'
import {
  COMMIT_LOCK,
  existingPostgresqlSchema,
  OWN_TABLES,
  postgresqlStyle,
  SCHEMA_LOCK,
} from './postgresql-schema.ts'
import { PostgresqlWriter } from './postgresql-writer.ts'

const PORT = 5432
/** Rises when an older Atoll could misread what a newer one wrote. */
const SCHEMA_VERSION = 1

/** @throws StoreUnavailable, StoreNewer */
export function openPostgresql(options: SqlStoreOptions): Promise<Store> {
  return openSqlStore(new PostgresqlServer(options), options)
}

class PostgresqlServer implements SqlServer {
  readonly description: string
  readonly catalogue = new Catalogue()
  readonly notes = new CommitNotes((number) => `$${number}`)
  readonly dialect: SqlServer['dialect'] = {
    createAdapter: () => new PostgresAdapter(),
    createIntrospector: (database) => new PostgresIntrospector(database),
    createQueryCompiler: () => new PostgresqlCompiler(this.catalogue),
  }
  readonly #options: SqlStoreOptions
  readonly #url: StoreUrl
  readonly #reach: Reach
  readonly #columns = new OriginColumns()

  constructor(options: SqlStoreOptions) {
    this.#options = options
    this.#url = options.url
    this.description = `PostgreSQL at ${this.#url.withoutPassword}`
    this.#reach = new Reach({ servers: this.#url.servers, description: this.description })
  }

  connectReader(): Promise<PostgresqlConnection> {
    return this.#connect(['jit=off'])
  }

  async connectWriter(): Promise<SqlWriter> {
    // A scan of a whole table would conflict with every write to it (the manual's section 13.2.3 advises indexes). What that adds to
    // the estimates would have every statement compiled, which takes 100 ms.
    return new PostgresqlWriter(await this.#connect(['jit=off', 'enable_seqscan=off']), this.catalogue)
  }

  isCrowded(error: unknown): boolean {
    return isCrowded(error)
  }

  #connect(settings: readonly string[]): Promise<PostgresqlConnection> {
    return this.#reach.connect(async (server) => {
      const connection = await PostgresqlConnection.open({
        description: this.description,
        clock: this.#options.clock,
        catalogue: this.catalogue,
        columns: this.#columns,
        client: { ...this.#address(server), options: settings.map((setting) => `-c ${setting}`).join(' ') },
        statementMsMax: this.#options.statementMsMax ?? STATEMENT_MS_MAX,
      })
      try {
        if (this.#url.servers.length > 1) await this.#requirePrimary(connection)
        return connection
      } catch (error) {
        connection.destroy()
        throw error
      }
    })
  }

  /** Of several servers one is the primary: a standby takes no writes, and shows what the primary had some time ago. */
  async #requirePrimary(connection: PostgresqlConnection): Promise<void> {
    const { rows } = await connection.execute({
      sql: 'select pg_is_in_recovery()::int as is_standby',
      parameters: [],
    })
    if (Number(rows[0]?.is_standby) === 1)
      throw StoreUnavailable({
        path: this.description,
        reason: 'the server is a standby that was not promoted',
      })
  }

  async prepare(): Promise<void> {
    await this.#alone(async (connection) => {
      await this.#check(connection)
      for (const sql of OWN_TABLES) await connection.execute({ sql, parameters: [] })
      await connection.execute({
        sql: `insert into rome_head (id, version) values (1, ${SCHEMA_VERSION}) on conflict do nothing`,
        parameters: [],
      })
      await requireVersion(connection, { path: this.description, known: SCHEMA_VERSION })
    })
  }

  async ensureTables(tables: readonly Table[]): Promise<void> {
    await this.#alone(async (connection) => {
      for (const sql of missingSql(tables, await existingPostgresqlSchema(connection), postgresqlStyle))
        await connection.execute({ sql, parameters: [] })
      this.catalogue.add(tables)
      await this.#learnOrigins(connection)
    })
  }

  async head(connection: SqlConnection): Promise<Head> {
    const { rows } = await connection.execute({
      sql: 'select position, number from rome_commits order by position desc limit 1',
      parameters: [],
    })
    return { position: Number(rows[0]?.position ?? 0), number: Number(rows[0]?.number ?? 0) }
  }

  async isCommitted(writer: SqlWriter, id: string): Promise<boolean> {
    // Whoever commits has the lock; what it committed is seen by the statement that comes after.
    await writer.execute({ sql: `select pg_advisory_lock(${COMMIT_LOCK})`, parameters: [] })
    await writer.execute({ sql: `select pg_advisory_unlock(${COMMIT_LOCK})`, parameters: [] })
    return this.notes.has(writer, id)
  }

  /** Peers that start at the same time do this one after the other. */
  async #alone(work: (connection: PostgresqlConnection) => Promise<void>): Promise<void> {
    const connection = await this.connectReader()
    try {
      await connection.execute({ sql: 'begin', parameters: [] })
      await connection.execute({ sql: `select pg_advisory_xact_lock(${SCHEMA_LOCK})`, parameters: [] })
      await work(connection)
      await connection.execute({ sql: 'commit', parameters: [] })
    } finally {
      connection.destroy()
    }
  }

  async #learnOrigins(connection: SqlConnection): Promise<void> {
    const { rows } = await connection.execute({
      sql: `select c.oid::bigint as table_id, c.relname::text as t, a.attnum::int as column_id, a.attname::text as c
        from pg_class c join pg_attribute a on a.attrelid = c.oid
        where c.relnamespace = current_schema()::regnamespace and c.relkind = 'r' and a.attnum > 0`,
      parameters: [],
    })
    for (const row of rows) {
      const kind = this.catalogue.kindOf(String(row.t), String(row.c))
      if (kind) this.#columns.set(Number(row.table_id), Number(row.column_id), kind)
    }
  }

  #address({ host, port = PORT }: StoreServer) {
    const { user, password, path } = this.#url
    return {
      host,
      port,
      database: path,
      connectionTimeoutMillis: CONNECT_MS_MAX,
      lock_timeout: LOCK_MS_MAX,
      idle_in_transaction_session_timeout: idleMsMax(this.#options.statementMsMax ?? STATEMENT_MS_MAX),
      application_name: 'atoll',
      ...(user === undefined ? {} : { user }),
      ...(password === undefined ? {} : { password }),
    }
  }

  async #check(connection: SqlConnection): Promise<void> {
    const { rows } = await connection.execute({
      sql: "select current_setting('synchronous_commit') as c, current_setting('fsync') as f, current_setting('full_page_writes') as w",
      parameters: [],
    })
    const { c, f, w } = rows[0] ?? {}
    const advice = [
      ...(c === 'off' ? ['synchronous_commit = on'] : []),
      ...(f === 'off' ? ['fsync = on'] : []),
      ...(w === 'off' ? ['full_page_writes = on'] : []),
    ]
    if (advice.length > 0)
      this.#options.log.warn(
        { store: this.description },
        `a power cut can lose what was acknowledged; set ${advice.join(' and ')} in PostgreSQL`,
      )
  }
}
