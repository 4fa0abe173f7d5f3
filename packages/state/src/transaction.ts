/** One transaction over records: reads with a scope, writes at their home, each write numbered for the feed. */

import { assert, type Clock, type Id, mintId, type Random, type SiteCode } from '@atoll/kit'
import type { Queries, Row } from '@atoll/rome'
import { sql } from 'kysely'
import type { AnyRecord, RecordTable } from './define-record.ts'
import { NotHome, RecordGone } from './errors.ts'
import { type Reader, readerOf } from './reader.ts'
import type { Founder } from './shares.ts'
import { siteState } from './tables.ts'

export interface Site {
  readonly name: string
  readonly code: SiteCode
}

/** A write of this transaction: what the listeners of `State.onCommit` are told. */
export interface Change {
  readonly table: string
  readonly id: string
}

/** The columns that the state fills in itself. */
type Managed = 'home' | 'generation' | 'seq' | 'created_at' | 'updated_at' | 'deleted_at' | 'unknown_columns'

/** What an insert gives: every own column; `id` and `project_id` where they matter. */
export type NewRecord<T extends RecordTable> = Omit<Row<T>, Managed | 'id' | 'project_id'> & {
  readonly id?: string
  readonly project_id?: string | null
}

export type Patch<T extends RecordTable> = Partial<Omit<Row<T>, Managed | 'id'>>

export class StateTransaction implements Reader {
  readonly select: Reader['select']
  readonly selectWithTombstones: Reader['selectWithTombstones']
  readonly find: Reader['find']
  readonly local: Reader['local']
  readonly changes: Change[] = []
  /** Kysely, for local tables. Records are written by `insert`, `update` and `remove` only. */
  readonly queries: Queries
  readonly site: Site
  readonly nowMs: number
  readonly founders: Readonly<Record<string, Founder>>
  readonly #random: Random
  #seq: number | undefined

  constructor(
    queries: Queries,
    options: { site: Site; clock: Clock; random: Random; founders?: Readonly<Record<string, Founder>> },
  ) {
    const reader = readerOf(queries)
    this.select = reader.select
    this.selectWithTombstones = reader.selectWithTombstones
    this.find = reader.find
    this.local = reader.local
    this.queries = queries
    this.site = options.site
    this.nowMs = Math.trunc(options.clock.nowMs())
    this.founders = options.founders ?? {}
    this.#random = options.random
  }

  /** The highest seq that this transaction gave, or undefined when it wrote no record. */
  get seq(): number | undefined {
    return this.#seq
  }

  mintId<Kind extends string>(): Id<Kind> {
    return mintId<Kind>(this.#random, this.site.code)
  }

  /** Adds a record whose home is this site. @throws UniqueViolation */
  async insert<T extends RecordTable>(table: T, values: NewRecord<T>): Promise<Row<T>> {
    const record = {
      project_id: null,
      ...values,
      id: values.id ?? this.mintId(),
      home: this.site.name,
      generation: 1,
      seq: await this.#nextSeq(),
      created_at: this.nowMs,
      updated_at: null,
      deleted_at: null,
      unknown_columns: {},
    }
    await this.queries.insertInto(table.name).values(record).execute()
    this.changes.push({ table: table.name, id: record.id })
    return record as unknown as Row<T>
  }

  /** Changes a live record of this home and answers with its new state. @throws RecordGone, NotHome */
  async update<T extends RecordTable>(table: T, id: string, patch: Patch<T>): Promise<Row<T>> {
    return this.#write(table, id, { ...patch, updated_at: this.nowMs })
  }

  /** Turns a live record of this home into a tombstone. @throws RecordGone, NotHome */
  async remove<T extends RecordTable>(table: T, id: string, patch: Patch<T> = {}): Promise<Row<T>> {
    return this.#write(table, id, { ...patch, updated_at: this.nowMs, deleted_at: this.nowMs })
  }

  /** True when the home of this record is this site: it may be written here. False for one that was never seen. */
  async isKept(table: string, id: string): Promise<boolean> {
    const row = await this.queries.selectFrom(table).select('home').where('id', '=', id).executeTakeFirst()
    return row?.home === this.site.name
  }

  /**
   * Gives the home of a live record to another site, with a new generation: from this commit on, this site refuses
   * to write it. The row has no place in a feed until the new home gives it one. Asked again, answers the same.
   */
  async handOver(table: RecordTable, id: string, to: string): Promise<AnyRecord> {
    const current = await this.#current(table, id)
    if (!current || current.deleted_at !== null) throw RecordGone({ table: table.name, id })
    if (current.home === to) return current
    if (current.home !== this.site.name) throw NotHome({ table: table.name, id, home: current.home })
    const handedOver = { home: to, generation: current.generation + 1, seq: 0 }
    await this.queries.updateTable(table.name).set(handedOver).where('id', '=', id).execute()
    this.changes.push({ table: table.name, id })
    return { ...current, ...handedOver }
  }

  /** Takes a record whose home was handed over to this site, and numbers it. An older generation changes nothing. */
  async takeOver(table: RecordTable, row: AnyRecord): Promise<void> {
    const current = await this.#current(table, row.id)
    if (current && current.generation >= row.generation) return
    const taken = { ...row, home: this.site.name, seq: await this.#nextSeq() }
    if (current) await this.queries.updateTable(table.name).set(taken).where('id', '=', row.id).execute()
    else await this.queries.insertInto(table.name).values(taken).execute()
    this.changes.push({ table: table.name, id: row.id })
  }

  async #write<T extends RecordTable>(table: T, id: string, values: object): Promise<Row<T>> {
    const current = await this.#current(table, id)
    if (!current || current.deleted_at !== null) throw RecordGone({ table: table.name, id })
    if (current.home !== this.site.name) throw NotHome({ table: table.name, id, home: current.home })
    const written = { ...values, seq: await this.#nextSeq() }
    await this.queries.updateTable(table.name).set(written).where('id', '=', id).execute()
    this.changes.push({ table: table.name, id })
    return { ...current, ...written } as unknown as Row<T>
  }

  async #current(table: RecordTable, id: string): Promise<AnyRecord | undefined> {
    const row = await this.queries.selectFrom(table.name).selectAll().where('id', '=', id).executeTakeFirst()
    return row as AnyRecord | undefined
  }

  // The counter lives in the store, so that a rollback takes the numbers back and the feed has no gaps.
  async #nextSeq(): Promise<number> {
    const row = await this.queries
      .updateTable(siteState.name)
      .set({ number: sql`number + 1` })
      .where('key', '=', 'seq')
      .returning('number')
      .executeTakeFirst()
    assert(row, 'the seq counter is missing: the state was not prepared')
    this.#seq = Number(row.number)
    return this.#seq
  }
}
