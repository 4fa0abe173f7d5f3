/**
 * The feed: "all records of home H with seq > n, in order". It is an index on (home, seq), not a second log: a
 * follower that was away gets the latest version of what changed, once, tombstones included.
 */

import { assert } from '@atoll/kit'
import type { Change, Queries, Store } from '@atoll/rome'
import type { AnyRecord, RecordTable } from './define-record.ts'
import { knownColumns } from './known-columns.ts'
import { mayOwn, type Trust } from './ownership.ts'
import { readerOf } from './reader.ts'
import { feedCursors } from './tables.ts'
import type { Site } from './transaction.ts'

export interface FeedEntry {
  readonly table: string
  readonly row: Readonly<Record<string, unknown>>
}

export interface FeedPage {
  readonly home: string
  /** What was asked for: the follower has everything up to here. */
  readonly after: number
  /** In order of seq. */
  readonly entries: readonly FeedEntry[]
  /** The follower that has applied `entries` has everything up to here. */
  readonly upTo: number
  /** False when the page was cut by its limit. */
  readonly isComplete: boolean
}

export interface ApplyResult {
  /** Entries that were newer than what this site had. */
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

  /** One page of the feed of `home`, from the records or the replicas of this site. `limit` bounds its entries. */
  read(request: { home: string; after: number; limit: number }): Promise<FeedPage> {
    return this.#options.store.session(() => this.#read(request))
  }

  async #read({ home, after, limit }: { home: string; after: number; limit: number }): Promise<FeedPage> {
    // The head is read first. A record that changes while we look moves beyond it, and is in this page all the same: who
    // waits for what it was before, and is told that everything up to the head is there, must not find nothing.
    const head = home === this.#options.site.name ? await this.head() : await this.cursor(home)
    if (head <= after) return { home, after, entries: [], upTo: after, isComplete: true }
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
    return { home, after, entries: page.map(({ table, row }) => ({ table, row })), upTo, isComplete }
  }

  /**
   * Takes a page into the replicas of this site, in one transaction with the cursor. Idempotent; a page that
   * comes late or twice changes nothing. Callers must have made sure that the page comes from `home` itself.
   */
  async apply(page: Omit<FeedPage, 'isComplete'>, trust: Trust): Promise<ApplyResult> {
    const { home, after, upTo } = page
    assert(home !== this.#options.site.name, 'a site does not follow itself')
    const [changes, refused] = await this.#options.store.transaction(async ({ queries, announce }) => {
      const changes: Change[] = []
      const refused: Change[] = []
      let refusedSeq: number | null = null
      for (const entry of page.entries) {
        const change = { table: entry.table, id: String(entry.row.id) }
        const outcome = await this.#applyEntry(queries, entry, home, trust)
        if (outcome === 'applied') changes.push(change)
        if (outcome !== 'refused') continue
        refused.push(change)
        refusedSeq = Math.min(refusedSeq ?? Number.POSITIVE_INFINITY, Number(entry.row.seq))
      }
      await moveCursor(queries, { home, after, upTo, refusedSeq })
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

  async #applyEntry(
    queries: Queries,
    entry: FeedEntry,
    home: string,
    trust: Trust,
  ): Promise<'applied' | 'stale' | 'refused'> {
    const table = this.#tables.get(entry.table)
    // A newer peer's table: nothing here can use it, and a later version of this peer will ask for it anew.
    if (!table) return 'stale'
    const incoming = knownColumns(table, entry.row)
    if (incoming.home !== home) return 'refused'
    const current = (await queries
      .selectFrom(table.name)
      .selectAll()
      .where('id', '=', incoming.id)
      .executeTakeFirst()) as AnyRecord | undefined
    if (current && !supersedes(incoming, current)) return 'stale'
    const reader = readerOf(queries)
    if (!(await mayOwn({ table, incoming, current, trust, reader }))) return 'refused'
    if (await isContradicted(queries, table, incoming)) return 'refused'
    if (current) await queries.updateTable(table.name).set(incoming).where('id', '=', incoming.id).execute()
    else await queries.insertInto(table.name).values(incoming).execute()
    return 'applied'
  }
}

// A page that was asked for before `reconsider` went back does not go on from there: its end is not reached yet.
async function moveCursor(
  queries: Queries,
  page: { home: string; after: number; upTo: number; refusedSeq: number | null },
): Promise<void> {
  const { home, after, upTo, refusedSeq } = page
  const known = await queries
    .selectFrom(feedCursors.name)
    .selectAll()
    .where('home', '=', home)
    .executeTakeFirst()
  const cursor = Number(known?.seq ?? 0)
  const moved = {
    seq: cursor >= after ? Math.max(cursor, upTo) : cursor,
    refused_seq: lowest(known?.refused_seq as number | null | undefined, refusedSeq),
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

/** Fencing: a later generation wins whatever its seq; within one generation only the same home, and only forward. */
function supersedes(incoming: AnyRecord, current: AnyRecord): boolean {
  if (incoming.generation !== current.generation) return incoming.generation > current.generation
  return incoming.home === current.home && incoming.seq > current.seq
}
