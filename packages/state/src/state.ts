/** The state of one site: records with a scope, transactions with numbered changes, and listeners. */

import type { Clock, Random } from '@atoll/kit'
import type { Change, Store, Table } from '@atoll/rome'
import type { AnyRecord, RecordTable } from './define-record.ts'
import { NotHome, ProjectNotHere, ShareExhausted } from './errors.ts'
import { Feed } from './feed.ts'
import { type Reader, readerOf } from './reader.ts'
import { ReplayedRandom } from './replayed-random.ts'
import { type Founder, shares } from './shares.ts'
import { feedCursors, takenNumbers, usages, withdrawnRecords } from './tables.ts'
import { type Site, type SitesOfProject, StateTransaction } from './transaction.ts'

export interface StateOptions {
  readonly store: Store
  readonly site: Site
  readonly clock: Clock
  readonly random: Random
  /** What clients see and sites replicate. */
  readonly records: readonly RecordTable[]
  /** What stays at this site. */
  readonly locals: readonly Table[]
  /** By the word before the colon of a resource's name: how it comes into being. */
  readonly founders?: Readonly<Record<string, Founder>>
  /** Default: everywhere. */
  readonly sitesOfProject?: SitesOfProject
}

/** Gets more of `resource` for this site; answers whether it did. Set by the federation. */
export type Borrow = (resource: string, needed: number) => Promise<boolean>

/** Waits, not for long, for the record of a project to come; answers whether it did. Set by the federation. */
export type AwaitProject = (projectId: string) => Promise<boolean>

/** Brings the home of a record that follows its use to this site; answers whether it did. Set by the federation. */
export type BringHome = (table: string, id: string) => Promise<boolean>

export type CommitListener = (changes: readonly Change[]) => void

/**
 * How often a transaction is tried again after its obstacle was cleared: more would hide one that comes back. At a site
 * that was lent nothing yet, a server meets one for each of three quotas and for an address of each of its networks.
 */
const RETRIES_MAX = 8

/** How many records listeners are told of at once when all may have changed. */
const NOTIFIED_MAX = 500

export class State implements Reader {
  readonly select: Reader['select']
  readonly selectWithTombstones: Reader['selectWithTombstones']
  readonly find: Reader['find']
  readonly local: Reader['local']
  readonly site: Site
  readonly feed: Feed
  readonly #options: StateOptions
  readonly #listeners = new Set<CommitListener>()
  /** Whether others have committed what the listeners were not told. */
  #hasMissed = false
  #borrow: Borrow = () => Promise.resolve(false)
  #bringHome: BringHome = () => Promise.resolve(false)
  #awaitProject: AwaitProject = () => Promise.resolve(false)

  /** Opens the state over `store` and makes the tables that are missing. */
  static async open(options: StateOptions): Promise<State> {
    const { store, records, locals } = options
    await store.ensureTables([
      feedCursors,
      withdrawnRecords,
      usages,
      takenNumbers,
      shares,
      ...locals,
      ...records,
    ])
    return new State(options)
  }

  private constructor(options: StateOptions) {
    const reader = readerOf(options.store.read)
    this.select = reader.select
    this.selectWithTombstones = reader.selectWithTombstones
    this.find = reader.find
    this.local = reader.local
    this.site = options.site
    this.#options = options
    this.feed = new Feed({
      store: options.store,
      site: options.site,
      records: [...options.records, shares],
      notify: (changes) => this.#notify(changes),
    })
    options.store.onForeignCommit((changes) => {
      this.#hasMissed ||= changes.length === 0
      this.#notify(changes)
      if (this.#hasMissed) void this.#notifyOfMissed()
    })
  }

  /** Runs `work`, in which no read is older than the first: one request. See `Store.session`. */
  session<Result>(work: () => Promise<Result>): Promise<Result> {
    return this.#options.store.session(work)
  }

  /**
   * Runs `work` as one serializable, durable transaction; the contract of `Store.transaction` holds. When the
   * share of something limited is used up, borrows from where it is kept; when a record that follows its use has
   * its home elsewhere, brings it here; when a project is not known here yet, waits for it; then runs `work` again.
   */
  async transaction<Result>(work: (transaction: StateTransaction) => Promise<Result>): Promise<Result> {
    for (let retries = 0; ; retries++) {
      try {
        return await this.attempt(work)
      } catch (error) {
        if (retries >= RETRIES_MAX || !(await this.#clear(error))) throw error
      }
    }
  }

  /** Whether this site may write the record; for the repair of what a crash left, which is nobody else's to do. */
  isKeptHere(record: Pick<AnyRecord, 'home'>): boolean {
    return record.home === this.site.name
  }

  /** Name of the home of a record, tombstones included; undefined when this site has never seen it. */
  async homeOf(table: string, id: string): Promise<string | undefined> {
    if (!this.#options.records.some(({ name }) => name === table)) return undefined
    const row = await this.#options.store.read
      .selectFrom(table)
      .select('home')
      .where('id', '=', id)
      .executeTakeFirst()
    return row && String(row.home)
  }

  /** As `homeOf`, for an id of which the table is not known. Looks into every table. */
  async homeOfAny(id: string): Promise<string | undefined> {
    for (const { name } of this.#options.records) {
      const home = await this.homeOf(name, id)
      if (home !== undefined) return home
    }
    return undefined
  }

  /** Records of `table` that this site handed over and has not yet seen in the feed of their new home. */
  async handedOver(table: RecordTable): Promise<readonly AnyRecord[]> {
    const rows = await this.#options.store.read
      .selectFrom(table.name)
      .selectAll()
      .where('home', '!=', this.site.name)
      .where('seq', '=', 0)
      .limit(100)
      .execute()
    return rows as unknown as AnyRecord[]
  }

  /**
   * Calls `listener` after every commit that changed records, replicas and what other peers of this site have done
   * included. Returns how to stop that.
   */
  onCommit(listener: CommitListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** How this site gets more of what is limited. Without it, a share that is used up stays so. */
  borrowWith(borrow: Borrow): void {
    this.#borrow = borrow
  }

  /** How records that follow their use come here. Without it they stay where they are. */
  bringHomeWith(bringHome: BringHome): void {
    this.#bringHome = bringHome
  }

  /** How this site hears of a project that was just made elsewhere. Without it nothing can be made in it until then. */
  awaitProjectWith(awaitProject: AwaitProject): void {
    this.#awaitProject = awaitProject
  }

  async #clear(error: unknown): Promise<boolean> {
    if (ShareExhausted.is(error)) {
      const { resource, needed } = error.detail as { resource: string; needed: number }
      return this.#borrow(resource, needed)
    }
    if (ProjectNotHere.is(error)) return this.#awaitProject((error.detail as { projectId: string }).projectId)
    if (!NotHome.is(error)) return false
    const { table, id } = error.detail as { table: string; id: string }
    const followsUse = this.#options.records.find(({ name }) => name === table)?.followsUse
    return followsUse ? this.#bringHome(table, id) : false
  }

  /** As `transaction`, once: whoever clears obstacles for others must not wait for himself. */
  async attempt<Result>(work: (transaction: StateTransaction) => Promise<Result>): Promise<Result> {
    const random = new ReplayedRandom(this.#options.random)
    const [result, changes] = await this.#options.store.transaction(async (stored) => {
      random.rewind()
      const transaction = new StateTransaction(stored, { ...this.#options, random })
      const value = await work(transaction)
      return [value, transaction.changes] as const
    })
    this.#notify(changes)
    return result
  }

  /** Whoever keeps something in memory reads it again. A store that fails meanwhile is asked again at the next commit. */
  async #notifyOfMissed(): Promise<void> {
    this.#hasMissed = false
    try {
      await this.#notifyOfAll()
    } catch {
      this.#hasMissed = true
    }
  }

  async #notifyOfAll(): Promise<void> {
    for (const { name } of [...this.#options.records, shares]) {
      for (let after = ''; ; ) {
        const page = await this.#options.store.read
          .selectFrom(name)
          .select('id')
          .where('id', '>', after)
          .orderBy('id')
          .limit(NOTIFIED_MAX)
          .execute()
        this.#notify(page.map(({ id }) => ({ table: name, id: String(id) })))
        if (page.length < NOTIFIED_MAX) break
        after = String(page.at(-1)?.id)
      }
    }
  }

  #notify(changes: readonly Change[]): void {
    if (changes.length === 0) return
    for (const listener of this.#listeners) listener(changes)
  }
}
