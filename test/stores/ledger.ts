/** Clients that add rows while a store is ill-treated, and what must be there afterwards: all that was acknowledged, once. */

import assert from 'node:assert/strict'
import { sleep, systemClock, TooBusy } from '@atoll/kit'
import { OutcomeUnknown, type Store, StoreReadOnly, StoreUnavailable, TransactionConflict } from '@atoll/rome'
import { addIsland } from './sql-ocean.ts'

const WITHIN_MS = 60_000

export class Ledger {
  readonly acknowledged = new Set<string>()
  readonly unknown = new Set<string>()
  readonly #stores: readonly Store[]
  #refused = 0
  #isOver = false
  #working: Promise<unknown> = Promise.resolve()

  constructor(stores: readonly Store[]) {
    this.#stores = stores
  }

  get refused(): number {
    return this.#refused
  }

  begin(): void {
    this.#working = Promise.all(this.#stores.map((store, client) => this.#work(store, client)))
  }

  /** Resolves when so many more were acknowledged. */
  async progress(commits = 20): Promise<void> {
    const goal = this.acknowledged.size + commits
    await this.until(`${commits} commits more`, () => this.acknowledged.size >= goal)
  }

  async until(what: string, condition: () => boolean): Promise<void> {
    const startMs = systemClock.monotonicMs()
    while (!condition()) {
      if (systemClock.monotonicMs() - startMs > WITHIN_MS)
        throw new Error(`not within ${WITHIN_MS} ms: ${what}`)
      await Promise.race([sleep(systemClock, 20), this.#working])
    }
  }

  /** Ends the work and looks at `store`. */
  async prove(store: Store): Promise<void> {
    await this.end()
    const rows = await store.read.selectFrom('islands').select(['id', 'seq']).orderBy('seq').execute()
    const found = new Set(rows.map(({ id }) => String(id)))
    const lost = [...this.acknowledged].filter((id) => !found.has(id))
    const invented = [...found].filter((id) => !this.acknowledged.has(id) && !this.unknown.has(id))
    assert.deepEqual({ lost, invented }, { lost: [], invented: [] })
    assert.equal(new Set(rows.map(({ seq }) => seq)).size, rows.length, 'a number was given twice')
    assert.ok(Number(rows.at(-1)?.seq) <= (await store.headNumber()))
  }

  async end(): Promise<void> {
    this.#isOver = true
    await this.#working
  }

  async #work(store: Store, client: number): Promise<void> {
    for (let count = 0; !this.#isOver; count++) {
      const id = `${client}-${count}`
      try {
        await addIsland(store, id)
        this.acknowledged.add(id)
      } catch (error) {
        if (OutcomeUnknown.is(error)) this.unknown.add(id)
        else if (!isRefusal(error)) throw error
        this.#refused++
        await sleep(systemClock, 20)
      }
    }
  }
}

/** What a client may be told while a server is away; nothing was written then, unless it says that nobody knows. */
export function isRefusal(error: unknown): boolean {
  return [OutcomeUnknown, StoreUnavailable, StoreReadOnly, TransactionConflict, TooBusy].some((kind) =>
    kind.is(error),
  )
}
