/**
 * The disk of a simulated site: a real SQLite file on the memory disk, whose commits take simulated time. A crash before
 * the commit loses the transaction, one after it loses only the answer.
 */

import { copyFileSync, existsSync, rmSync } from 'node:fs'
import { type Clock, fraction, type Random, sleep } from '@atoll/kit'
import { openSqlite, type Queries, type Store, type Transaction } from '@atoll/rome'
import type { Life } from '@atoll/simulator'
import Sqlite from 'better-sqlite3'
import type { KyselyPlugin } from 'kysely'

/** A commit takes up to this long to be durable, and its news up to this long to come back. */
const SYNC_MS_MAX = 4
const ANSWER_MS_MAX = 2

export interface SimulatedDiskOptions {
  readonly path: string
  readonly clock: Clock
  readonly random: Random
}

export class SimulatedDisk {
  readonly #options: SimulatedDiskOptions
  readonly #opened: Store[] = []
  /** Commits that a dead process was about to make. */
  readonly #held = new Set<() => void>()
  readonly #statements = new Map<string, Sqlite.Statement>()
  #inspector: Sqlite.Database | undefined
  #path: string
  #isRemoved = false

  constructor(options: SimulatedDiskOptions) {
    this.#options = options
    this.#path = options.path
  }

  /** The store as a process sees it that lives for `life`. */
  open(life: Life): Store {
    const { random } = this.#options
    const clock = life.clock(this.#options.clock)
    const store = openSqlite({ path: this.#path, defer: (action) => this.#defer(clock, action) })
    this.#opened.push(store)
    let answeredMs = 0
    // News come back in the order of the commits, as from one thread.
    const commit = async <Result>(work: (transaction: Transaction) => Promise<Result>): Promise<Result> => {
      try {
        return await store.transaction(work)
      } finally {
        answeredMs = Math.max(answeredMs, clock.monotonicMs() + ANSWER_MS_MAX * fraction(random))
        await sleep(clock, answeredMs - clock.monotonicMs())
      }
    }
    return {
      description: store.description,
      roundTrips: 0,
      read: store.read.withPlugin(deafAfter(life)) as Queries,
      transaction: (work) => life.hear(commit(work)),
      session: (work) => work(),
      headNumber: () => life.hear(store.headNumber()),
      onForeignCommit: () => () => {},
      ensureTables: (tables) => life.hear(store.ensureTables(tables)),
      // The file belongs to the site, which outlives the process.
      close: () => Promise.resolve(),
    }
  }

  /** The process that had the disk open has died. What was committed is durable. */
  crash(): void {}

  /** Rows of what is durable now, read by nobody's process. */
  query(sql: string): readonly Readonly<Record<string, string | number | null>>[] {
    this.#inspector ??= new Sqlite(this.#path, { readonly: true })
    const statement = this.#statements.get(sql) ?? this.#inspector.prepare(sql)
    this.#statements.set(sql, statement)
    return statement.all() as Readonly<Record<string, string | number | null>>[]
  }

  /** Puts the disk back to a copy. The processes that have it open must be dead. */
  restore(copy: string): void {
    this.#closeInspector()
    this.#path = `${copy}.restored`
    copyFileSync(copy, this.#path)
  }

  /** Copies what is durable now to a new file. */
  copyTo(path: string): void {
    rmSync(path, { force: true })
    new Sqlite(this.#path).exec(`vacuum into '${path}'`).close()
  }

  get exists(): boolean {
    return existsSync(this.#path)
  }

  /** Lets go of the files; to be called when nothing of the run goes on. */
  async remove(): Promise<void> {
    this.#isRemoved = true
    for (const action of this.#held) action()
    this.#closeInspector()
    await Promise.all(this.#opened.map((store) => store.close()))
  }

  #closeInspector(): void {
    this.#inspector?.close()
    this.#inspector = undefined
    this.#statements.clear()
  }

  #defer(clock: Clock, action: () => void): void {
    if (this.#isRemoved) {
      action()
      return
    }
    const act = () => {
      this.#held.delete(act)
      action()
    }
    this.#held.add(act)
    clock.after(SYNC_MS_MAX * fraction(this.#options.random), act)
  }
}

function deafAfter(life: Life): KyselyPlugin {
  return {
    transformQuery: ({ node }) => node,
    transformResult: ({ result }) => life.hear(Promise.resolve(result)),
  }
}
