/** One session of a MariaDB server through mysql2, its statements prepared. */

import type { Clock } from '@atoll/kit'
import mysql, { type Connection, type ConnectionOptions, type ExecuteValues, type FieldPacket } from 'mysql2'
import type { Catalogue } from '../sql/catalogue.ts'
import type { SqlConnection, SqlQuery, SqlResult } from '../sql/sql-connection.ts'
import { decoderOf, encodeValue } from '../sql/values.ts'
import { DEADLOCK, translateMysqlError } from './mysql-errors.ts'

export interface MysqlSessionOptions {
  readonly description: string
  readonly clock: Clock
  readonly catalogue: Catalogue
  readonly connection: ConnectionOptions
  /** After this time without an answer the server counts as gone. */
  readonly statementMsMax: number
  /** Called with the number of each refusal: whether the session is of no more use after it, though it is alive. */
  readonly isUseless: (errno: number | undefined) => boolean
  /**
   * Whether the server is a node of Galera. It may roll a transaction back for a write of another node while its client says
   * nothing, and tell the client so with its next command. When that one only prepares a statement, the news is lost, and
   * what follows would be another transaction, without the first one's part.
   */
  readonly losesNews: () => boolean
}

export interface StatementOptions {
  /** The table that the statement writes. */
  readonly table?: string | undefined
  /** True for a statement after which nobody knows whether it was carried out when its answer is lost. */
  readonly isCommit?: boolean
}

/** Prepared statements of one session; the services together use a few hundred. */
const PREPARED_MAX = 1000

interface Outcome {
  readonly result: unknown
  readonly fields: readonly FieldPacket[] | undefined
}

export class MysqlConnection implements SqlConnection {
  readonly #options: MysqlSessionOptions
  readonly #connection: Connection
  /** Texts, where it matters whether they are prepared. */
  readonly #prepared = new Set<string>()
  #isUsable = true

  private constructor(options: MysqlSessionOptions, connection: Connection) {
    this.#options = options
    this.#connection = connection
    const lose = () => {
      this.#isUsable = false
    }
    connection.on('error', lose)
    connection.on('end', lose)
  }

  /** @throws StoreUnavailable */
  static async open(options: MysqlSessionOptions): Promise<MysqlConnection> {
    const connection = mysql.createConnection({
      charset: 'UTF8MB4_BIN',
      supportBigNumbers: true,
      decimalNumbers: true,
      maxPreparedStatements: PREPARED_MAX,
      flags: ['FOUND_ROWS'],
      ...options.connection,
    })
    const session = new MysqlConnection(options, connection)
    await session.#wait({}, (done) => connection.connect((error) => done(error)))
    return session
  }

  get isUsable(): boolean {
    return this.#isUsable
  }

  /** Prepared once for each text. */
  async execute({ sql, parameters }: SqlQuery, options: StatementOptions = {}): Promise<SqlResult> {
    const values = parameters.map(encode) as ExecuteValues
    if (this.#options.losesNews()) await this.#prepareSafely(sql, options)
    const outcome = await this.#wait<Outcome>(options, (done) =>
      this.#connection.execute(sql, values, (error, result, fields) => done(error, { result, fields })),
    )
    return this.#decode(outcome)
  }

  /** As it is: for statements without values that MariaDB does not prepare, or that are run once. */
  async run(sql: string, options: StatementOptions = {}): Promise<void> {
    await this.#wait<unknown>(options, (done) => this.#connection.query(sql, (error) => done(error)))
  }

  destroy(): void {
    this.#isUsable = false
    this.#connection.destroy()
  }

  /** @throws TransactionConflict when the server ended the transaction at the same time */
  async #prepareSafely(sql: string, options: StatementOptions): Promise<void> {
    if (this.#prepared.has(sql)) return
    const wasWithin = await this.#isInTransaction()
    await this.#wait<unknown>({}, (done) => this.#connection.prepare(sql, (error) => done(error)))
    if (wasWithin && !(await this.#isInTransaction())) {
      const error = Object.assign(new Error('the transaction has ended'), { errno: DEADLOCK })
      throw translateMysqlError(error, { ...this.#options, ...options })
    }
    // Of more than it keeps the driver forgets those that were not used for longest: none of as many that came since.
    if (this.#prepared.size >= PREPARED_MAX) this.#prepared.clear()
    this.#prepared.add(sql)
  }

  async #isInTransaction(): Promise<boolean> {
    const rows = await this.#wait<unknown>({}, (done) =>
      this.#connection.query('select @@in_transaction as yes', (error, result) => done(error, result)),
    )
    return Number((rows as { yes?: unknown }[])[0]?.yes) === 1
  }

  #wait<Result>(
    options: StatementOptions,
    start: (done: (error: Error | null, result?: Result) => void) => void,
  ): Promise<Result> {
    const { description, clock, statementMsMax, catalogue } = this.#options
    return new Promise((resolve, reject) => {
      const fail = (error: unknown) =>
        reject(translateMysqlError(error, { description, catalogue, ...options }))
      const cancelTimer = clock.after(statementMsMax, () => {
        this.destroy()
        fail(Object.assign(new Error(`no answer within ${statementMsMax} ms`), { fatal: true }))
      })
      start((error, result) => {
        cancelTimer()
        if (!error) return resolve(result as Result)
        const { fatal, errno } = error as { fatal?: boolean; errno?: number }
        if (fatal === true || this.#options.isUseless(errno)) this.#isUsable = false
        fail(error)
      })
    })
  }

  #decode({ result, fields }: Outcome): SqlResult {
    if (!Array.isArray(result))
      return { rows: [], changes: Number((result as { affectedRows?: number } | null)?.affectedRows ?? 0) }
    const rows = result as Record<string, unknown>[]
    for (const field of fields ?? []) {
      const decode = decoderOf(this.#options.catalogue.kindOf(field.orgTable, field.orgName))
      if (decode) for (const row of rows) row[field.name] = decode(row[field.name])
    }
    return { rows, changes: 0 }
  }
}

/** What the driver would send as a double, though it is none, keeps the server from using an index. */
function encode(value: unknown): unknown {
  if (typeof value === 'boolean') return mysql.TypedParameter.TINY(value ? 1 : 0)
  if (typeof value === 'number' && Number.isSafeInteger(value)) return mysql.TypedParameter.BIGINT(value)
  return encodeValue(value)
}
