/** The durable state of all sites as rows, read past every peer: what the invariants are stated on. */

import type { SimulatedCloud } from '../simulated-cloud.ts'

export interface RecordRow {
  readonly id: string
  readonly home: string
  readonly generation: number
  readonly seq: number
  readonly deleted_at: number | null
  readonly [column: string]: Value
}

/** SQLite's own types; JSON is text here. */
export type Value = string | number | null

export type Row = Readonly<Record<string, Value>>

/** The tables of one site at one time. */
export class SiteTables {
  readonly site: string
  readonly #read: (sql: string) => readonly Row[]
  readonly #recordTables: readonly string[]

  constructor(site: string, read: (sql: string) => readonly Row[]) {
    this.site = site
    this.#read = read
    this.#recordTables = read(
      `select distinct m.name from sqlite_schema m join pragma_table_info(m.name) c
       where m.type = 'table' and c.name = 'generation' order by m.name`,
    ).map(({ name }) => String(name))
  }

  /** Names of the tables of records. */
  get recordTables(): readonly string[] {
    return this.#recordTables
  }

  /** All rows of a table of records, in order of id: tombstones and replicas, too. */
  records(table: string): readonly RecordRow[] {
    return this.#read(`select * from "${table}" order by id`) as readonly RecordRow[]
  }

  /** The live records that this site is the home of. */
  own(table: string): readonly RecordRow[] {
    const sql = `select * from "${table}" where home = '${this.site}' and deleted_at is null order by id`
    return this.#read(sql) as readonly RecordRow[]
  }

  /** A table that stays at the site. */
  local(table: string): readonly Row[] {
    return this.#read(`select * from "${table}"`)
  }
}

/** What is durable at every site now. */
export function inspectSites(cloud: SimulatedCloud): readonly SiteTables[] {
  return cloud.sites
    .filter(({ disk }) => disk.exists)
    .map(({ name, disk }) => new SiteTables(name, (sql) => disk.query(sql)))
}

/** A column of JSON. */
export function json<T>(value: unknown): T {
  return JSON.parse(String(value)) as T
}
