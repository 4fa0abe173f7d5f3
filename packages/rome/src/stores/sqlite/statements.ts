/** Prepared statements of one SQLite connection: a bounded cache, and values in and out of SQLite's types. */

import type { Database, Statement } from 'better-sqlite3'

/** Bounds the memory of the cache; the services together use a few hundred distinct statements. */
const CACHED_MAX = 1000

interface Prepared {
  readonly statement: Statement
  readonly decoders: readonly (readonly [column: string, decode: (value: unknown) => unknown])[]
  /** Since the statement was last passed over. */
  wasUsed: boolean
}

export interface StatementResult {
  readonly rows: Record<string, unknown>[]
  readonly changes: number
}

export class Statements {
  readonly #database: Database
  readonly #cache = new Map<string, Prepared>()

  constructor(database: Database) {
    this.#database = database
  }

  execute(sql: string, parameters: readonly unknown[]): StatementResult {
    const { statement, decoders } = this.#prepare(sql)
    const values = parameters.map(encode)
    if (!statement.reader) return { rows: [], changes: statement.run(values).changes }
    const rows = statement.all(values) as Record<string, unknown>[]
    for (const row of rows) for (const [column, decode] of decoders) row[column] = decode(row[column])
    return { rows, changes: statement.readonly ? 0 : rows.length }
  }

  #prepare(sql: string): Prepared {
    const cached = this.#cache.get(sql)
    if (cached) {
      cached.wasUsed = true
      return cached
    }
    const statement = this.#database.prepare(sql)
    const prepared = { statement, decoders: statement.reader ? decodersOf(statement) : [], wasUsed: false }
    if (this.#cache.size >= CACHED_MAX) this.#evictOne()
    this.#cache.set(sql, prepared)
    return prepared
  }

  // Second chance (Corbató, 1968): nearly as good as the longest unused, and a hit moves nothing.
  #evictOne(): void {
    for (const [sql, prepared] of this.#cache) {
      this.#cache.delete(sql)
      if (!prepared.wasUsed) return
      prepared.wasUsed = false
      this.#cache.set(sql, prepared)
    }
  }
}

function decodersOf(statement: Statement): Prepared['decoders'] {
  return statement.columns().flatMap(({ name, type }) => {
    if (type === 'JSON') return [[name, decodeJson]]
    if (type === 'BOOLEAN') return [[name, (value: unknown) => (value === null ? null : value === 1)]]
    return []
  })
}

function decodeJson(value: unknown): unknown {
  return typeof value === 'string' ? JSON.parse(value) : value
}

function encode(value: unknown): unknown {
  if (typeof value === 'boolean') return value ? 1 : 0
  if (value !== null && typeof value === 'object' && !ArrayBuffer.isView(value)) return JSON.stringify(value)
  return value
}
