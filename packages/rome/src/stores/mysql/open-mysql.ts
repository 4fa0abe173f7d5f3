/** A store on a MariaDB server, alone or as a Galera cluster. MySQL itself is refused: see docs/decisions. */

import { MysqlAdapter, MysqlIntrospector } from 'kysely'
import { StoreMisconfigured, StoreUnavailable } from '../../errors.ts'
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
import { MariadbCompiler } from './mysql-compiler.ts'
import { MysqlConnection } from './mysql-connection.ts'
import { isCrowded, NOT_PREPARED, WAITED_TOO_LONG } from './mysql-errors.ts'
import { COLLATION, existingMysqlSchema, mysqlStyle, OWN_TABLES } from './mysql-schema.ts'
import { MysqlWriter } from './mysql-writer.ts'

const PORT = 3306
/** Rises when an older Atoll could misread what a newer one wrote. */
const SCHEMA_VERSION = 1

/*
 * As SQLite does it: backslashes are characters, || joins text, all assignments of an update see the row as it was, and
 * nothing is cut or rounded to fit (https://mariadb.com/kb/en/sql-mode).
 */
const SESSION = [
  "sql_mode = 'STRICT_ALL_TABLES,NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT,SIMULTANEOUS_ASSIGNMENT,NO_ENGINE_SUBSTITUTION,ONLY_FULL_GROUP_BY'",
  `collation_connection = '${COLLATION}'`,
  // Digits of avg() behind the point; SQLite computes it in double precision.
  'div_precision_increment = 20',
  `innodb_lock_wait_timeout = ${LOCK_MS_MAX / 1000}`,
]
const GALERA = 'wsrep_sync_wait = 1'
/** The mode of sessions for transactions. */
const WRITER = 'autocommit = 0'

/** @throws StoreUnavailable, StoreMisconfigured, StoreNewer */
export function openMysql(options: SqlStoreOptions): Promise<Store> {
  return openSqlStore(new MysqlServer(options), options)
}

class MysqlServer implements SqlServer {
  readonly description: string
  readonly catalogue = new Catalogue()
  readonly notes = new CommitNotes(() => '?')
  readonly dialect: SqlServer['dialect'] = {
    createAdapter: () => new MariadbAdapter(),
    createIntrospector: (database) => new MysqlIntrospector(database),
    createQueryCompiler: () => new MariadbCompiler(),
  }
  readonly #options: SqlStoreOptions
  readonly #url: StoreUrl
  readonly #reach: Reach
  #isGalera = false

  constructor(options: SqlStoreOptions) {
    this.#options = options
    this.#url = options.url
    this.description = `MariaDB at ${this.#url.withoutPassword}`
    this.#reach = new Reach({ servers: this.#url.servers, description: this.description })
  }

  connectReader(): Promise<MysqlConnection> {
    return this.#connect('autocommit = 1')
  }

  async connectWriter(): Promise<SqlWriter> {
    const connection = await this.#connect(WRITER)
    await connection.run('set session transaction isolation level serializable')
    return new MysqlWriter(connection, this.catalogue)
  }

  async prepare(): Promise<void> {
    const connection = await this.connectReader()
    try {
      await this.#check(connection)
      for (const sql of OWN_TABLES) await connection.run(sql)
      const first = `insert ignore into rome_head (id, version, position, number) values (1, ${SCHEMA_VERSION}, 0, 0)`
      await connection.run(first)
      await requireVersion(connection, { path: this.description, known: SCHEMA_VERSION })
    } finally {
      connection.destroy()
    }
  }

  async ensureTables(tables: readonly Table[]): Promise<void> {
    const connection = await this.connectReader()
    try {
      for (const sql of missingSql(tables, await existingMysqlSchema(connection), mysqlStyle))
        await connection.run(sql)
    } finally {
      connection.destroy()
    }
    this.catalogue.add(tables)
  }

  async head(connection: SqlConnection): Promise<Head> {
    const { rows } = await connection.execute({
      sql: 'select position, number from rome_head',
      parameters: [],
    })
    return { position: Number(rows[0]?.position), number: Number(rows[0]?.number) }
  }

  async isCommitted(writer: SqlWriter, id: string): Promise<boolean> {
    // Whoever commits has the head.
    await writer.execute({ sql: 'select position from rome_head for update', parameters: [] })
    const isThere = await this.notes.has(writer, id)
    await writer.rollback()
    return isThere
  }

  isCrowded(error: unknown): boolean {
    return isCrowded(error)
  }

  #connect(mode: string): Promise<MysqlConnection> {
    const { statementMsMax = STATEMENT_MS_MAX } = this.#options
    const idle = `idle_transaction_timeout = ${Math.ceil(idleMsMax(statementMsMax) / 1000)}`
    return this.#reach.connect(async (server) => {
      const connection = await MysqlConnection.open({
        description: this.description,
        clock: this.#options.clock,
        catalogue: this.catalogue,
        connection: this.#address(server),
        statementMsMax,
        isUseless: (errno) => this.#isOutOfStep(errno, server),
        losesNews: () => this.#isGalera && mode === WRITER,
      })
      try {
        await this.#requireMember(connection)
        const settings = [...SESSION, mode, idle, ...(this.#isGalera ? [GALERA] : [])]
        await connection.run(`set session ${settings.join(', ')}`)
        return connection
      } catch (error) {
        connection.destroy()
        throw error
      }
    })
  }

  /** Another node is asked from now on when this one is no member, or does not catch up with the others. */
  #isOutOfStep(errno: number | undefined, server: StoreServer): boolean {
    const isOutOfStep = errno === NOT_PREPARED || (this.#isGalera && errno === WAITED_TOO_LONG)
    if (isOutOfStep) this.#reach.avoid(server)
    return isOutOfStep
  }

  #address({ host, port = PORT }: StoreServer) {
    const { user, password, path } = this.#url
    return {
      host,
      port,
      database: path,
      connectTimeout: CONNECT_MS_MAX,
      ...(user === undefined ? {} : { user }),
      ...(password === undefined ? {} : { password }),
    }
  }

  /** A node that is cut off from its cluster, or joins it just now, answers nothing: another will. */
  async #requireMember(connection: MysqlConnection): Promise<void> {
    const value = async (sql: string) => (await connection.execute({ sql, parameters: [] })).rows[0]?.Value
    this.#isGalera = (await value("show variables like 'wsrep_on'")) === 'ON'
    if (this.#isGalera && (await value("show status like 'wsrep_ready'")) !== 'ON')
      throw StoreUnavailable({ path: this.description, reason: 'the node is no member of its cluster now' })
  }

  async #check(connection: MysqlConnection): Promise<void> {
    const { rows } = await connection.execute({
      sql: 'select version() as version, @@innodb_flush_log_at_trx_commit as flush, @@log_bin as log, @@sync_binlog as sync, @@innodb_doublewrite as twice',
      parameters: [],
    })
    const { version, flush, log, sync, twice } = rows[0] ?? {}
    if (!String(version).includes('MariaDB'))
      throw StoreMisconfigured({
        path: this.description,
        advice: 'it is no MariaDB; use MariaDB 10.6 or later',
      })
    // A node of a cluster is brought up to date by the others after it has crashed.
    const advice = [
      ...(Number(flush) !== 1 && !this.#isGalera ? ['innodb_flush_log_at_trx_commit=1'] : []),
      ...(Number(log) === 1 && Number(sync) !== 1 && !this.#isGalera ? ['sync_binlog=1'] : []),
      ...(String(twice) === '0' || twice === 'OFF' ? ['innodb_doublewrite=ON'] : []),
    ]
    if (advice.length > 0)
      this.#options.log.warn(
        { store: this.description },
        `a power cut can lose what was acknowledged; set ${advice.join(' and ')} in MariaDB`,
      )
  }
}

class MariadbAdapter extends MysqlAdapter {
  override get supportsReturning(): boolean {
    return true
  }
}
