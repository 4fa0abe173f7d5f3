/** One session of a PostgreSQL server through pg: statements prepared, and sent without waiting for the one before. */

import type { Socket } from 'node:net'
import type { Clock } from '@atoll/kit'
import { Client, type ClientConfig, type FieldDef, type QueryResult, types } from 'pg'
import type { ColumnKind } from '../../schema/column.ts'
import type { Catalogue } from '../sql/catalogue.ts'
import type { SqlConnection, SqlQuery, SqlResult } from '../sql/sql-connection.ts'
import { decoderOf, encodeValue } from '../sql/values.ts'
import { isLost, translatePostgresqlError } from './postgresql-errors.ts'

export interface PostgresqlSessionOptions {
  readonly description: string
  readonly clock: Clock
  readonly catalogue: Catalogue
  readonly columns: OriginColumns
  readonly client: ClientConfig
  /** After this time without an answer the server counts as gone. */
  readonly statementMsMax: number
}

/** Which column of which table a value comes from, by the numbers that the server gives with it. */
export class OriginColumns {
  readonly #kinds = new Map<string, ColumnKind>()

  set(table: number, column: number, kind: ColumnKind): void {
    this.#kinds.set(`${table}.${column}`, kind)
  }

  kindOf({ tableID, columnID }: FieldDef): ColumnKind | undefined {
    return tableID === 0 ? undefined : this.#kinds.get(`${tableID}.${columnID}`)
  }
}

/** Prepared statements of one session; the services together use a few hundred. Others are sent as they are. */
const PREPARED_MAX = 1000
const BOOLEAN = 16
// int8, int2, int4, float4, float8, numeric: all are numbers here.
const NUMBERS = new Set([20, 21, 23, 700, 701, 1700])

export class PostgresqlConnection implements SqlConnection {
  readonly #options: PostgresqlSessionOptions
  readonly #client: Client
  readonly #names = new Map<string, string>()
  #isUsable = true

  private constructor(options: PostgresqlSessionOptions, client: Client) {
    this.#options = options
    this.#client = client
    const lose = () => {
      this.#isUsable = false
    }
    client.on('error', lose)
    client.on('end', lose)
  }

  /** @throws StoreUnavailable */
  static async open(options: PostgresqlSessionOptions): Promise<PostgresqlConnection> {
    const config = {
      ...options.client,
      pipeline: true,
      types: { getTypeParser: (oid: number) => parserOf(oid) ?? types.getTypeParser(oid) },
    }
    const client = new Client(config as ClientConfig)
    const session = new PostgresqlConnection(options, client)
    try {
      await session.#wait(client.connect(), false)
    } catch (error) {
      session.destroy()
      throw error
    }
    return session
  }

  get isUsable(): boolean {
    return this.#isUsable
  }

  /** Sends the statement now, whether or not those before have been answered. */
  async execute({ sql, parameters }: SqlQuery, { isCommit = false } = {}): Promise<SqlResult> {
    const name = this.#nameOf(sql)
    const query = { text: sql, values: parameters.map(encodeValue), ...(name === undefined ? {} : { name }) }
    return this.#decode(await this.#wait(this.#client.query<Record<string, unknown>>(query), isCommit))
  }

  destroy(): void {
    this.#isUsable = false
    // It says good-bye where it can; a server that does not answer must not hold the socket.
    this.#client.end().catch(() => {})
    ;(this.#client.connection.stream as Socket).destroySoon()
  }

  async #wait<Result>(answer: Promise<Result>, isCommit: boolean): Promise<Result> {
    const { description, clock, statementMsMax, catalogue } = this.#options
    const { promise: timeout, reject } = Promise.withResolvers<never>()
    const cancelTimer = clock.after(statementMsMax, () => {
      reject(new Error(`no answer within ${statementMsMax} ms`))
      this.#client.connection.stream.destroy()
    })
    try {
      return await Promise.race([answer, timeout])
    } catch (error) {
      answer.catch(() => {})
      if (error instanceof Error && isLost(error)) this.#isUsable = false
      throw translatePostgresqlError(error, { description, catalogue, isCommit })
    } finally {
      cancelTimer()
    }
  }

  #nameOf(sql: string): string | undefined {
    const known = this.#names.get(sql)
    if (known !== undefined || this.#names.size >= PREPARED_MAX) return known
    const name = `s${this.#names.size}`
    this.#names.set(sql, name)
    return name
  }

  #decode({ command, rowCount, fields, rows }: QueryResult<Record<string, unknown>>): SqlResult {
    for (const field of fields) {
      const kind = this.#options.columns.kindOf(field)
      const decode = kind === undefined && field.dataTypeID === BOOLEAN ? truth : decoderOf(kind)
      if (decode) for (const row of rows) row[field.name] = decode(row[field.name])
    }
    return { rows, changes: command === 'SELECT' ? 0 : (rowCount ?? 0) }
  }
}

/** What is no column is a number in SQLite: 1 or 0. */
function truth(value: unknown): unknown {
  return typeof value === 'boolean' ? Number(value) : value
}

function parserOf(oid: number): ((text: string) => unknown) | undefined {
  return NUMBERS.has(oid) ? Number : undefined
}
