/**
 * The feed: "all records of home H with seq > n, in order". It is an index on (home, seq), not a second log: a
 * follower that was away gets the latest version of what changed, once, tombstones included. A record that may not be
 * stored at the follower's site is left out of its pages, and withdrawn from it if it ever had it.
 */

import { assert } from '@atoll/kit'
import type { Change, Queries, Row, Store } from '@atoll/rome'
import type { AnyRecord, RecordTable } from './define-record.ts'
import { knownColumns } from './known-columns.ts'
import { isLater, judge, type Trust } from './ownership.ts'
import { readerOf } from './reader.ts'
import { carriageTo, scopeOfRow } from './site-scope.ts'
import { feedCursors } from './tables.ts'
import type { Site } from './transaction.ts'
import { WithdrawnRecords } from './withdrawn-records.ts'

export interface FeedEntry {
  readonly table: string
  readonly row: Readonly<Record<string, unknown>>
}

/** A record that the follower must not keep any longer: no word of what is in it. */
export interface Withdrawal {
  readonly table: string
  readonly id: string
  readonly generation: number
  readonly seq: number
  /** As in the record: a new home proves by them that it is for it to say. */
  readonly moves: readonly string[]
}

export interface FeedPage {
  readonly home: string
  /** What was asked for: the follower has everything up to here. */
  readonly after: number
  /** In order of seq. */
  readonly entries: readonly FeedEntry[]
  readonly withdrawals: readonly Withdrawal[]
  /** The follower that has applied both has everything up to here. */
  readonly upTo: number
  /** False when the page was cut by its limit. */
  readonly isComplete: boolean
}

/** A page as it is applied: a home of an older version withdraws nothing. */
export type ReceivedPage = Omit<FeedPage, 'isComplete' | 'withdrawals'> &
  Partial<Pick<FeedPage, 'withdrawals'>>

export interface FeedRequest {
  readonly home: string
  /** Name of the site that will keep what it reads. */
  readonly follower: string
  readonly after: number
  /** Bounds the entries and withdrawals of the page. */
  readonly limit: number
}

export interface ApplyResult {
  /** Entries and withdrawals that were newer than what this site had. */
  readonly applied: number
  /** Entries refused, for now or for ever: that home may not own them, as far as this site knows. */
  readonly refused: readonly Change[]
}

export interface FeedOptions {
  readonly store: Store
  readonly site: Site
  readonly records: readonly RecordTable[]
  readonly notify: (changes: readonly Change[]) => void
}

export class Feed {
  readonly #options: FeedOptions
  readonly #tables: ReadonlyMap<string, RecordTable>

  constructor(options: FeedOptions) {
    this.#options = options
    this.#tables = new Map(options.records.map((table) => [table.name, table]))
  }

  /** The latest seq that this site has given and made durable. */
  head(): Promise<number> {
    return this.#options.store.headNumber()
  }

  /** How far this site has followed `home`; 0 when it never has. */
  async cursor(home: string): Promise<number> {
    const row = await this.#options.store.read
      .selectFrom(feedCursors.name)
      .select('seq')
      .where('home', '=', home)
      .executeTakeFirst()
    return Number(row?.seq ?? 0)
  }

  /**
   * One page of the feed of `home`, from the records of this site, or from its replicas: these lack what may not be stored
   * here, so that a follower must not take them for all.
   */
  read(request: FeedRequest): Promise<FeedPage> {
    return this.#options.store.session(() => this.#read(request))
  }

  async #read({ home, follower, after, limit }: FeedRequest): Promise<FeedPage> {
    // The head is read first. A record that changes while we look moves beyond it, and is in this page all the same: who
    // waits for what it was before, and is told that everything up to the head is there, must not find nothing.
    const head = home === this.#options.site.name ? await this.head() : await this.cursor(home)
    if (head <= after) return { home, after, entries: [], withdrawals: [], upTo: after, isComplete: true }
    const entries: (FeedEntry & { readonly seq: number })[] = []
    for (const table of this.#options.records) {
      const rows = await this.#options.store.read
        .selectFrom(table.name)
        .selectAll()
        .where('home', '=', home)
        .where('seq', '>', after)
        .orderBy('seq')
        .limit(limit + 1)
        .execute()
      for (const row of rows) entries.push({ table: table.name, row, seq: Number(row.seq) })
    }
    entries.sort((left, right) => left.seq - right.seq)
    const isComplete = entries.length <= limit
    const page = entries.slice(0, limit)
    const upTo = isComplete ? head : Math.min(head, page.at(-1)?.seq ?? after)
    return { home, after, ...carry(page, follower), upTo, isComplete }
  }

  /**
   * Takes a page into the replicas of this site, in one transaction with the cursor. Idempotent; a page that
   * comes late or twice changes nothing. Callers must have made sure that the page comes from `home` itself.
   */
  async apply(page: ReceivedPage, trust: Trust): Promise<ApplyResult> {
    const { home, after, upTo, entries, withdrawals = [] } = page
    assert(home !== this.#options.site.name, 'a site does not follow itself')
    // Sites at rest say so to each other every second: that must not cost a commit.
    if (entries.length === 0 && withdrawals.length === 0 && upTo === after) return { applied: 0, refused: [] }
    const [changes, refused] = await this.#options.store.transaction(async ({ queries, announce }) => {
      const changes: Change[] = []
      const refused: Change[] = []
      let refusedSeq: number | null = null
      const note = (change: Change, seq: number, outcome: Outcome) => {
        if (outcome === 'applied') changes.push(change)
        if (outcome !== 'refused') return
        refused.push(change)
        refusedSeq = Math.min(refusedSeq ?? Number.POSITIVE_INFINITY, seq)
      }
      const cursor = await cursorRow(queries, home)
      const applying = { queries, home, trust, withdrawn: new WithdrawnRecords(queries) }
      for (const { table, row } of entries)
        note({ table, id: String(row.id) }, Number(row.seq), await this.#applyEntry(applying, table, row))
      for (const withdrawal of withdrawals) {
        const { table, id, seq } = withdrawal
        note({ table, id }, seq, await this.#applyWithdrawal(applying, withdrawal))
      }
      await moveCursor(queries, cursor, { home, after, upTo, refusedSeq })
      announce(changes)
      return [changes, refused]
    })
    this.#options.notify(changes)
    return { applied: changes.length, refused }
  }

  /** Goes back to what was refused, after what decides about it has changed. Answers which homes are to be read again. */
  async reconsider(): Promise<readonly string[]> {
    return this.#options.store.transaction(async ({ queries }) => {
      const rows = await queries
        .updateTable(feedCursors.name)
        .set((builder) => ({ seq: builder('refused_seq', '-', 1), refused_seq: null }))
        .where('refused_seq', 'is not', null)
        .returning('home')
        .execute()
      return rows.map(({ home }) => String(home))
    })
  }

  /**
   * Drops the replicas of what only `home` could say, as it is lost for good and nobody else may write them. Not more than
   * `limit` at once; answers how many there were.
   */
  async forget(home: string, table: RecordTable, limit: number): Promise<number> {
    assert(home !== this.#options.site.name, 'a site keeps its own records')
    const changes = await this.#options.store.transaction(async ({ queries, announce }) => {
      const rows = await queries
        .selectFrom(table.name)
        .select('id')
        .where('home', '=', home)
        .limit(limit)
        .execute()
      const ids = rows.map(({ id }) => String(id))
      if (ids.length > 0) await queries.deleteFrom(table.name).where('id', 'in', ids).execute()
      const changes = ids.map((id) => ({ table: table.name, id }))
      announce(changes)
      return changes
    })
    this.#options.notify(changes)
    return changes.length
  }

  async #applyEntry(applying: Applying, tableName: string, row: FeedEntry['row']): Promise<Outcome> {
    const { queries, home, trust, withdrawn } = applying
    const table = this.#tables.get(tableName)
    // A newer peer's table: nothing here can use it, and a later version of this peer will ask for it anew.
    if (!table) return 'stale'
    const incoming = knownColumns(table, row)
    const scope = scopeOfRow(incoming)
    if (incoming.home !== home || scope === undefined) return 'refused'
    // A home that should not have sent it: it is not kept, whoever is to blame.
    if (carriageTo(this.#options.site.name, scope) !== 'row')
      return this.#applyWithdrawal(applying, { ...incoming, table: table.name })
    const current = await rowOf(queries, table, incoming.id)
    const gone = current ? undefined : await withdrawn.find(table.name, incoming.id)
    if (gone && !isLater(incoming, gone)) return 'stale'
    const verdict = await judge({ table, incoming, current, trust, reader: readerOf(queries) })
    if (verdict !== 'newer') return verdict
    if (await isContradicted(queries, table, incoming)) return 'refused'
    if (gone) await withdrawn.forget(table.name, incoming.id)
    if (current) await queries.updateTable(table.name).set(incoming).where('id', '=', incoming.id).execute()
    else await queries.insertInto(table.name).values(incoming).execute()
    return 'applied'
  }

  async #applyWithdrawal(applying: Applying, withdrawal: Withdrawal): Promise<Outcome> {
    const { queries, home, trust, withdrawn } = applying
    const table = this.#tables.get(withdrawal.table)
    if (!table) return 'stale'
    const { id, generation, seq, moves } = withdrawal
    const current = await rowOf(queries, table, id)
    const incoming = { ...current, id, home, generation, seq, moves } as AnyRecord
    const gone = current ? undefined : await withdrawn.find(table.name, id)
    if (gone && !isLater(incoming, gone)) return 'stale'
    const verdict = await judge({ table, incoming, current, trust, reader: readerOf(queries) })
    if (verdict !== 'newer') return verdict
    await withdrawn.note({ id, table_name: table.name, home, generation, seq })
    if (!current) return 'stale'
    await queries.deleteFrom(table.name).where('id', '=', id).execute()
    return 'applied'
  }
}

type Outcome = 'applied' | 'stale' | 'refused'

interface Applying {
  readonly queries: Queries
  readonly home: string
  readonly trust: Trust
  readonly withdrawn: WithdrawnRecords
}

/** What a follower is given of these rows. */
function carry(
  rows: readonly FeedEntry[],
  follower: string,
): { readonly entries: readonly FeedEntry[]; readonly withdrawals: readonly Withdrawal[] } {
  const entries: FeedEntry[] = []
  const withdrawals: Withdrawal[] = []
  for (const { table, row } of rows) {
    const scope = scopeOfRow(row)
    assert(scope !== undefined, 'a stored record has a scope of another form')
    const carriage = carriageTo(follower, scope)
    if (carriage === 'row') entries.push({ table, row })
    if (carriage === 'withdrawal') withdrawals.push(withdrawalOf(table, row as unknown as AnyRecord))
  }
  return { entries, withdrawals }
}

function withdrawalOf(table: string, { id, generation, seq, moves }: AnyRecord): Withdrawal {
  return { table, id, generation, seq, moves }
}

async function rowOf(queries: Queries, table: RecordTable, id: string): Promise<AnyRecord | undefined> {
  const row = await queries.selectFrom(table.name).selectAll().where('id', '=', id).executeTakeFirst()
  return row as AnyRecord | undefined
}

type CursorRow = Row<typeof feedCursors>

async function cursorRow(queries: Queries, home: string): Promise<CursorRow | undefined> {
  const row = await queries
    .selectFrom(feedCursors.name)
    .selectAll()
    .where('home', '=', home)
    .executeTakeFirst()
  return row as CursorRow | undefined
}

// A page that was asked for before `reconsider` went back does not go on from there: its end is not reached yet.
async function moveCursor(
  queries: Queries,
  known: CursorRow | undefined,
  page: { home: string; after: number; upTo: number; refusedSeq: number | null },
): Promise<void> {
  const { home, after, upTo, refusedSeq } = page
  const cursor = Number(known?.seq ?? 0)
  const moved = {
    seq: cursor >= after ? Math.max(cursor, upTo) : cursor,
    refused_seq: lowest(known?.refused_seq, refusedSeq),
  }
  if (known) await queries.updateTable(feedCursors.name).set(moved).where('home', '=', home).execute()
  else
    await queries
      .insertInto(feedCursors.name)
      .values({ home, ...moved })
      .execute()
}

function lowest(left: number | null | undefined, right: number | null): number | null {
  const numbers = [left, right].filter((number) => typeof number === 'number')
  return numbers.length === 0 ? null : Math.min(...numbers)
}

/** Whether another record has what must be unique: the one that came first stays, and the feed goes on. */
async function isContradicted(queries: Queries, table: RecordTable, incoming: AnyRecord): Promise<boolean> {
  const values = incoming as unknown as Readonly<Record<string, unknown>>
  for (const { columns } of table.indexes.filter(({ isUnique }) => isUnique)) {
    let query = queries.selectFrom(table.name).select('id').where('id', '!=', incoming.id)
    for (const column of columns) query = query.where(column, '=', values[column])
    if (await query.executeTakeFirst()) return true
  }
  return false
}
