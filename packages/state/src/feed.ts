/**
 * The feed: "all records of home H with seq > n, in order". It is an index on (home, seq), not a second log: a
 * follower that was away gets the latest version of what changed, once, tombstones included.
 */

import { assert } from '@atoll/kit'
import type { Queries, Store } from '@atoll/rome'
import { sql } from 'kysely'
import type { AnyRecord, RecordTable } from './define-record.ts'
import { type Reader, readerOf } from './reader.ts'
import { feedCursors, siteState } from './tables.ts'
import type { Change, Site } from './transaction.ts'

export interface FeedEntry {
  readonly table: string
  readonly row: Readonly<Record<string, unknown>>
}

export interface FeedPage {
  readonly home: string
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
  /** Entries refused: another home's, or of a domain that does not trust this home. */
  readonly refused: readonly Change[]
}

export interface FeedOptions {
  readonly store: Store
  readonly site: Site
  readonly records: readonly RecordTable[]
  readonly notify: (changes: readonly Change[]) => void
}

/** Decides whether `home` may be the home of a domain's records, from what `reader` sees: the page included. */
export type AuthorityCheck = (domainId: string, home: string, reader: Reader) => Promise<boolean>

export class Feed {
  readonly #options: FeedOptions
  readonly #tables: ReadonlyMap<string, RecordTable>

  constructor(options: FeedOptions) {
    this.#options = options
    this.#tables = new Map(options.records.map((table) => [table.name, table]))
  }

  /** The latest seq that this site has given and made durable. */
  async head(): Promise<number> {
    const row = await this.#options.store.read
      .selectFrom(siteState.name)
      .select('number')
      .where('key', '=', 'seq')
      .executeTakeFirst()
    return Number(row?.number ?? 0)
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
  async read({ home, after, limit }: { home: string; after: number; limit: number }): Promise<FeedPage> {
    // The head is read first: a record that changes while we look moves beyond it and belongs to the next page.
    const head = home === this.#options.site.name ? await this.head() : await this.cursor(home)
    if (head <= after) return { home, entries: [], upTo: after, isComplete: true }
    const entries: (FeedEntry & { readonly seq: number })[] = []
    for (const table of this.#options.records) {
      const rows = await this.#options.store.read
        .selectFrom(table.name)
        .selectAll()
        .where('home', '=', home)
        .where('seq', '>', after)
        .where('seq', '<=', head)
        .orderBy('seq')
        .limit(limit + 1)
        .execute()
      for (const row of rows) entries.push({ table: table.name, row, seq: Number(row.seq) })
    }
    entries.sort((left, right) => left.seq - right.seq)
    const isComplete = entries.length <= limit
    const page = entries.slice(0, limit)
    const upTo = isComplete ? head : (page.at(-1)?.seq ?? after)
    return { home, entries: page.map(({ table, row }) => ({ table, row })), upTo, isComplete }
  }

  /**
   * Takes a page into the replicas of this site, in one transaction with the cursor. Idempotent; a page that
   * comes late or twice changes nothing. Callers must have made sure that the page comes from `home` itself.
   */
  async apply(page: Omit<FeedPage, 'isComplete'>, hasAuthority: AuthorityCheck): Promise<ApplyResult> {
    const { home } = page
    assert(home !== this.#options.site.name, 'a site does not follow itself')
    const changes: Change[] = []
    const refused: Change[] = []
    await this.#options.store.transaction(async (queries) => {
      let refusedSeq: number | null = null
      for (const entry of page.entries) {
        const change = { table: entry.table, id: String(entry.row.id) }
        const outcome = await this.#applyEntry(queries, entry, home, hasAuthority)
        if (outcome === 'applied') changes.push(change)
        if (outcome !== 'refused') continue
        refused.push(change)
        refusedSeq ??= Number(entry.row.seq)
      }
      await moveCursor(queries, { home, seq: page.upTo, refusedSeq })
    })
    this.#options.notify(changes)
    return { applied: changes.length, refused }
  }

  /** Goes back to what was refused, after a domain changed whom it trusts. Answers which homes are to be read again. */
  async reconsider(): Promise<readonly string[]> {
    return this.#options.store.transaction(async (queries) => {
      const rows = await queries
        .updateTable(feedCursors.name)
        .set({ seq: sql`refused_seq - 1`, refused_seq: null })
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
    hasAuthority: AuthorityCheck,
  ): Promise<'applied' | 'stale' | 'refused'> {
    const table = this.#tables.get(entry.table)
    // A newer peer's table: nothing here can use it, and a later version of this peer will ask for it anew.
    if (!table) return 'stale'
    const incoming = knownColumns(table, entry.row)
    if (incoming.home !== home || (table.soleHome && table.soleHome(incoming) !== home)) return 'refused'
    const domainId = table.authority?.(incoming) ?? null
    if (domainId !== null && !(await hasAuthority(domainId, home, readerOf(queries)))) return 'refused'
    const current = await queries
      .selectFrom(table.name)
      .select(['home', 'generation', 'seq'])
      .where('id', '=', incoming.id)
      .executeTakeFirst()
    if (current && !supersedes(incoming, current as unknown as AnyRecord)) return 'stale'
    if (current) await queries.updateTable(table.name).set(incoming).where('id', '=', incoming.id).execute()
    else await queries.insertInto(table.name).values(incoming).execute()
    return 'applied'
  }
}

// The cursor never goes back here; what is refused is remembered from its first on.
async function moveCursor(
  queries: Queries,
  { home, seq, refusedSeq }: { home: string; seq: number; refusedSeq: number | null },
): Promise<void> {
  await queries
    .insertInto(feedCursors.name)
    .values({ home, seq, refused_seq: refusedSeq })
    .onConflict((conflict) =>
      conflict.column('home').doUpdateSet({
        seq: sql`max(feed_cursors.seq, ${seq})`,
        refused_seq: sql`coalesce(feed_cursors.refused_seq, ${refusedSeq})`,
      }),
    )
    .execute()
}

/** Fencing: a later generation wins whatever its seq; within one generation only the same home, and only forward. */
function supersedes(incoming: AnyRecord, current: AnyRecord): boolean {
  if (incoming.generation !== current.generation) return incoming.generation > current.generation
  return incoming.home === current.home && incoming.seq > current.seq
}

// What this version does not know is kept aside and comes back out when the row is handed on.
function knownColumns(table: RecordTable, row: FeedEntry['row']): AnyRecord & Record<string, unknown> {
  const known: Record<string, unknown> = {}
  const unknown: Record<string, unknown> = { ...(row.unknown_columns as object | undefined) }
  for (const [name, value] of Object.entries(row)) {
    if (name in table.columns) known[name] = value
    else unknown[name] = value
  }
  return { ...known, unknown_columns: unknown } as unknown as AnyRecord & Record<string, unknown>
}
