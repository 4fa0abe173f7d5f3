/** One transaction over records: reads with a scope, writes at their home, each write numbered for the feed. */

import {
  type AtollError,
  type Clock,
  type Id,
  mintId,
  type Random,
  type SiteCode,
  siteCodeOf,
} from '@atoll/kit'
import type { Change, Queries, Row, Transaction } from '@atoll/rome'
import type { AnyRecord, RecordTable } from './define-record.ts'
import { MovedTooOften, NotHome, OutsideSiteScope, ProjectNotHere, RecordGone } from './errors.ts'
import { knownColumns } from './known-columns.ts'
import { HISTORY_MAX, judge, MOVES_MAX, type SignMove, type Trust } from './ownership.ts'
import { type Reader, readerOf } from './reader.ts'
import type { Founder } from './shares.ts'
import {
  isAllowedAt,
  isScopedTo,
  newScope,
  rescoped,
  type SiteNames,
  type SiteScope,
  scopeOfRow,
} from './site-scope.ts'
import { WithdrawnRecords } from './withdrawn-records.ts'

export interface Site {
  readonly name: string
  readonly code: SiteCode
}

/**
 * Where the records of a project may be stored: names of sites, null for everywhere, undefined for a project that this
 * site does not know.
 */
export type SitesOfProject = (reader: Reader, projectId: string) => Promise<SiteNames | null | undefined>

/** The columns that the state fills in itself. */
type Managed = Exclude<keyof AnyRecord, 'id' | 'project_id'>

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
  /** The writes of this transaction: what the listeners of `State.onCommit` are told. */
  readonly changes: Change[] = []
  /** Kysely, for local tables. Records are written by `insert`, `update` and `remove` only. */
  readonly queries: Queries
  readonly site: Site
  readonly nowMs: number
  readonly founders: Readonly<Record<string, Founder>>
  /** Draws the same again when the work is run again: the only chance that a work may use. */
  readonly random: Random
  readonly #transaction: Transaction
  readonly #sitesOfProject: SitesOfProject
  /** Of the projects asked for: one transaction writes many records of one project. */
  readonly #sites = new Map<string, SiteNames | null>()
  /** Without their dashes, as some services write them. */
  readonly #minted = new Set<string>()

  constructor(
    transaction: Transaction,
    options: {
      site: Site
      clock: Clock
      random: Random
      founders?: Readonly<Record<string, Founder>>
      sitesOfProject?: SitesOfProject
    },
  ) {
    const { queries } = transaction
    const reader = readerOf(queries)
    this.select = reader.select
    this.selectWithTombstones = reader.selectWithTombstones
    this.find = reader.find
    this.local = reader.local
    this.queries = queries
    this.#transaction = transaction
    this.site = options.site
    this.nowMs = Math.trunc(options.clock.nowMs())
    this.founders = options.founders ?? {}
    this.#sitesOfProject = options.sitesOfProject ?? (() => Promise.resolve(null))
    this.random = options.random
  }

  mintId<Kind extends string>(): Id<Kind> {
    const id = mintId<Kind>(this.random, this.site.code)
    this.#minted.add(id.replaceAll('-', ''))
    return id
  }

  /** Adds a record whose home is this site. @throws UniqueViolation, OutsideSiteScope, ProjectNotHere */
  async insert<T extends RecordTable>(table: T, values: NewRecord<T>): Promise<Row<T>> {
    const record = {
      project_id: null,
      ...values,
      id: values.id ?? this.mintId(),
      home: this.site.name,
      generation: 1,
      seq: await this.#transaction.nextNumber(),
      created_at: this.nowMs,
      updated_at: null,
      deleted_at: null,
      site_scope: await this.#scopeOfNew(table, values.project_id ?? null),
      moves: [],
      unknown_columns: {},
    }
    if (this.#minted.has(record.id.replaceAll('-', '')))
      this.#transaction.assumeNew(table.name, { id: record.id })
    await this.queries.insertInto(table.name).values(record).execute()
    this.#note(table, record.id)
    return record as unknown as Row<T>
  }

  /** Changes a live record of this home and answers with its new state. @throws RecordGone, NotHome, OutsideSiteScope */
  async update<T extends RecordTable>(table: T, id: string, patch: Patch<T>): Promise<Row<T>> {
    const { project_id } = patch as { readonly project_id?: string | null }
    const scope = project_id === undefined ? {} : await this.#scopeOfGiven(table, id, project_id)
    return this.#write(table, id, { ...patch, ...scope, updated_at: this.nowMs })
  }

  /** Turns a live record of this home into a tombstone. @throws RecordGone, NotHome */
  async remove<T extends RecordTable>(table: T, id: string, patch: Patch<T> = {}): Promise<Row<T>> {
    return this.#write(table, id, { ...patch, updated_at: this.nowMs, deleted_at: this.nowMs })
  }

  /**
   * Writes into a record of this home, tombstone or not, where its project says that it may be stored, if that is news:
   * those who may now have it are sent it, and those who no longer may are told to drop it. Answers whether it was.
   */
  async rescope(table: RecordTable, id: string): Promise<boolean> {
    const current = await this.#current(table, id)
    const { name } = this.site
    if (current?.home !== name) return false
    const sites = await this.#sitesOf(table, current.project_id)
    if (isScopedTo(current.site_scope, sites, name)) return false
    const site_scope = rescoped(current.site_scope, sites, name)
    await this.queries
      .updateTable(table.name)
      .set({ site_scope, seq: await this.#transaction.nextNumber() })
      .where('id', '=', id)
      .execute()
    this.#note(table, id)
    return true
  }

  /** True when the home of this record is this site: it may be written here. False for one that was never seen. */
  async isKept(table: string, id: string): Promise<boolean> {
    const row = await this.queries.selectFrom(table).select('home').where('id', '=', id).executeTakeFirst()
    return row?.home === this.site.name
  }

  /**
   * Gives the home of a live record to another site, with a new generation: from this commit on, this site refuses
   * to write it. The row has no place in a feed until the new home gives it one. Asked again, answers the same.
   * `sign` must not wait for anything. @throws RecordGone, NotHome, OutsideSiteScope, MovedTooOften
   */
  async handOver(
    table: RecordTable,
    id: string,
    { to, sign }: { readonly to: string; readonly sign: SignMove },
  ): Promise<AnyRecord> {
    const current = await this.#current(table, id)
    if (!current || current.deleted_at !== null) throw RecordGone({ table: table.name, id })
    if (current.home === to) return current
    if (current.home !== this.site.name) throw NotHome({ table: table.name, id, home: current.home })
    requireAllowed(to, current.site_scope)
    if (current.moves.length >= MOVES_MAX) throw MovedTooOften({ table: table.name, id })
    const generation = current.generation + 1
    const move = sign({ table: table.name, id, from: this.site.name, to, generation })
    const handedOver = { home: to, generation, seq: 0, moves: [...current.moves, move] }
    await this.queries.updateTable(table.name).set(handedOver).where('id', '=', id).execute()
    this.#note(table, id)
    return { ...current, ...handedOver }
  }

  /**
   * Takes a record whose home was handed over to this site, and numbers it. An older generation changes nothing.
   * Answers false, having done nothing, when the row does not prove that it was handed over to this site.
   */
  async takeOver(table: RecordTable, row: Readonly<Record<string, unknown>>, trust: Trust): Promise<boolean> {
    const incoming = knownColumns(table, row)
    const scope = scopeOfRow(incoming)
    if (incoming.home !== this.site.name || scope === undefined) return false
    if (!isAllowedAt(this.site.name, scope)) return false
    const current = await this.#current(table, incoming.id)
    // What was here, went on and was withdrawn does not come back by an offer that is late.
    const gone = current ? undefined : await new WithdrawnRecords(this.queries).find(table.name, incoming.id)
    if (gone && gone.generation >= incoming.generation) return true
    const isOurs = current?.home === this.site.name && current.generation >= incoming.generation
    const verdict = isOurs ? 'stale' : await judge({ table, incoming, current, trust, reader: this })
    if (verdict !== 'newer') return verdict === 'stale'
    // Its project may have said something else since the former home wrote it.
    const sites = await this.#sitesOf(table, incoming.project_id)
    const { name } = this.site
    const site_scope = isScopedTo(scope, sites, name) ? scope : rescoped(scope, sites, name)
    const taken = { ...incoming, site_scope, seq: await this.#transaction.nextNumber() }
    if (current) await this.queries.updateTable(table.name).set(taken).where('id', '=', taken.id).execute()
    else await this.queries.insertInto(table.name).values(taken).execute()
    this.#note(table, taken.id)
    return true
  }

  /**
   * Takes a record that its former home had handed over to a site which was lost before anybody saw it there: as `row` proves it,
   * then by force. See `adopt`. Answers false, having done nothing, when it proves nothing.
   */
  async inherit(
    table: RecordTable,
    row: Readonly<Record<string, unknown>>,
    options: { readonly path: readonly string[]; readonly sign: SignMove; readonly trust: Trust },
  ): Promise<boolean> {
    const incoming = knownColumns(table, row)
    const scope = scopeOfRow(incoming)
    if (incoming.home !== options.path[0] || scope === undefined) return false
    if (!isAllowedAt(this.site.name, scope)) return false
    const current = await this.#current(table, incoming.id)
    const verdict = await judge({ table, incoming, current, trust: options.trust, reader: this })
    if (verdict !== 'newer') return verdict === 'stale'
    if (current)
      await this.queries.updateTable(table.name).set(incoming).where('id', '=', incoming.id).execute()
    else await this.queries.insertInto(table.name).values(incoming).execute()
    return (await this.adopt(table, incoming.id, options)) !== undefined
  }

  /**
   * Takes a live record by force, as its home is lost for good, and numbers it. `path` leads from that home, by way of heirs that
   * are lost too, to this site; each step is a generation. Answers undefined, having done nothing, for a record that is elsewhere
   * by now or gone, and for one that this site may not own. `sign` must not wait for anything.
   */
  async adopt(
    table: RecordTable,
    id: string,
    {
      path,
      sign,
      trust,
    }: { readonly path: readonly string[]; readonly sign: SignMove; readonly trust: Trust },
  ): Promise<AnyRecord | undefined> {
    const current = await this.#current(table, id)
    if (!current || current.deleted_at !== null || current.home !== path[0]) return undefined
    if (!isAllowedAt(this.site.name, current.site_scope)) return undefined
    const moves = path.slice(1).map((to, step) => {
      const from = path[step] ?? ''
      return sign({
        table: table.name,
        id,
        from,
        to,
        generation: current.generation + step + 1,
        by: this.site.name,
      })
    })
    const history = [...current.moves, ...moves]
    if (moves.length === 0 || history.length > HISTORY_MAX) return undefined
    const incoming = {
      ...current,
      home: this.site.name,
      generation: current.generation + moves.length,
      moves: history,
    }
    if ((await judge({ table, incoming, current, trust, reader: this })) !== 'newer') return undefined
    const { home, generation, site_scope: scope } = incoming
    const sites = await this.#sitesOf(table, current.project_id)
    const site_scope = isScopedTo(scope, sites, home) ? scope : rescoped(scope, sites, home)
    const adopted = {
      home,
      generation,
      moves: history,
      site_scope,
      seq: await this.#transaction.nextNumber(),
    }
    await this.queries.updateTable(table.name).set(adopted).where('id', '=', id).execute()
    this.#note(table, id)
    return { ...current, ...adopted }
  }

  // One query where all is well; only a refusal asks why.
  async #write<T extends RecordTable>(table: T, id: string, values: object): Promise<Row<T>> {
    const written = await this.queries
      .updateTable(table.name)
      .set({ ...values, seq: await this.#transaction.nextNumber() })
      .where('id', '=', id)
      .where('home', '=', this.site.name)
      .where('deleted_at', 'is', null)
      .returningAll()
      .executeTakeFirst()
    if (!written) throw await this.#refusal(table, id)
    this.#note(table, id)
    return written as unknown as Row<T>
  }

  async #refusal(table: RecordTable, id: string): Promise<AtollError> {
    const current = await this.#current(table, id)
    if (!current || current.deleted_at !== null) return RecordGone({ table: table.name, id })
    return NotHome({ table: table.name, id, home: current.home })
  }

  async #scopeOfNew(table: RecordTable, projectId: string | null): Promise<SiteScope | null> {
    const sites = await this.#sitesOf(table, projectId)
    if (sites === null) return null
    const scope = { allowed: sites, reached: sites }
    requireAllowed(this.site.name, scope)
    return newScope(sites, this.site.name)
  }

  /** Of a record that is given to another project. */
  async #scopeOfGiven(table: RecordTable, id: string, projectId: string | null) {
    const sites = await this.#sitesOf(table, projectId)
    if (sites !== null) requireAllowed(this.site.name, { allowed: sites, reached: sites })
    const current = await this.#current(table, id)
    return { site_scope: rescoped(current?.site_scope ?? null, sites, this.site.name) }
  }

  async #sitesOf(table: RecordTable, projectId: string | null): Promise<SiteNames | null> {
    if (projectId === null || table.isEverywhere) return null
    const known = this.#sites.get(projectId)
    if (known !== undefined) return known
    const said = await this.#sitesOfProject(this, projectId)
    const sites = said === undefined ? this.#sitesOfUnknown(projectId) : said
    this.#sites.set(projectId, sites)
    return sites
  }

  /** Unless another site can have made such a project, there is none, and nothing that would be missed. */
  #sitesOfUnknown(projectId: string): null {
    const code = siteCodeOf(projectId)
    if (code !== undefined && code !== this.site.code) throw ProjectNotHere({ projectId })
    return null
  }

  /** Tells listeners of a change to a local table, here and at the other peers of the site, when it is committed. */
  tell(change: Change): void {
    this.changes.push(change)
    this.#transaction.announce([change])
  }

  async #current(table: RecordTable, id: string): Promise<AnyRecord | undefined> {
    const row = await this.queries.selectFrom(table.name).selectAll().where('id', '=', id).executeTakeFirst()
    return row as AnyRecord | undefined
  }

  #note(table: RecordTable, id: string): void {
    this.tell({ table: table.name, id })
  }
}

function requireAllowed(site: string, scope: SiteScope | null): void {
  if (!isAllowedAt(site, scope)) throw OutsideSiteScope({ site, allowed: scope?.allowed ?? [] })
}
