/**
 * Taking over what a retired site kept: the work of its heir, in small transactions, each of which leaves something that is true,
 * so that a crash at any point is only a pause. Shares come first, as what limits them founds them anew where it finds none.
 *
 *     shares that it had lent ─▶ numbers in use are noted ─▶ shares that it had borrowed ─▶ everything else
 *
 * Every other site drops what only the lost one could say.
 */

import { type Clock, type Logger, Reconciler } from '@atoll/kit'
import { type PeerTransport, PeerUnreachable } from '@atoll/overlay'
import {
  type AnyRecord,
  cloudScope,
  type NumberRange,
  noteTaken,
  numbersLent,
  passSharesOn,
  type Reader,
  type RecordTable,
  type SignMove,
  type State,
  type StateTransaction,
  shares,
  type Trust,
} from '@atoll/state'
import { Type } from 'typebox'
import type { Directory } from './directory.ts'
import { callPeer, PeerRefused } from './peer-client.ts'
import { sites } from './records.ts'

/** What services do about records whose place is gone. They know nothing of sites. */
export interface Displacement {
  /**
   * By table: what follows for a record that has come here since the place where it was is gone, in the same transaction. Records
   * that it refers to are here already, if they were at the same place and of a table that comes before.
   */
  readonly settle: Readonly<Record<string, (transaction: StateTransaction, row: AnyRecord) => Promise<void>>>
  /** Numbers of a resource that live records hold, whoever took them, as far as they concern these ranges. */
  readonly numbersInUse: (
    reader: Reader,
    resource: string,
    ranges: readonly NumberRange[],
  ) => Promise<readonly { readonly number: number; readonly holder: string }[]>
  /** Counts anew what is spent here, since another site has turned out to be the heir of what was adopted here. */
  readonly recount: (transaction: StateTransaction) => Promise<void>
}

export const noDisplacement: Displacement = Object.freeze({
  settle: {},
  numbersInUse: () => Promise.resolve([]),
  recount: () => Promise.resolve(),
})

export interface AdopterOptions {
  readonly state: State
  readonly transport: PeerTransport
  readonly directory: Directory
  readonly records: readonly RecordTable[]
  readonly trust: Trust
  readonly sign: SignMove
  readonly displacement: Displacement
  readonly isSteward: () => boolean
  readonly clock: Clock
  readonly log: Logger
}

const scope = cloudScope('adoption of records')

const PASS_MS = 5000
/** A retired site with which there was nothing left to do is looked at again after this, or when sites or domains change. */
const SETTLED_MS = 60_000
/** Records of one transaction. */
const BATCH = 50
/** Replicas dropped in one transaction. */
const FORGET_BATCH = 500

export const PassedOn = Type.Object({ count: Type.Integer({ minimum: 0 }) })

export class Adopter {
  readonly #options: AdopterOptions
  readonly #settledUntil = new Map<string, number>()
  readonly #left = new Map<string, number>()
  readonly #reconciler: Reconciler

  constructor(options: AdopterOptions) {
    this.#options = options
    const { clock, log } = options
    const pass = (signal: AbortSignal) => this.#pass(signal)
    this.#reconciler = new Reconciler({ name: 'adopter of records', clock, log, intervalMs: PASS_MS, pass })
  }

  service(): Reconciler {
    return this.#reconciler
  }

  /** Something that decides has changed: who was retired, or whom a domain trusts. */
  reconsider(): void {
    this.#settledUntil.clear()
    this.#reconciler.poke()
  }

  /** How many live records of a retired site this one may not take over; undefined when it is not its heir. */
  leftOf(site: string): number | undefined {
    return this.#left.get(site)
  }

  async #pass(signal: AbortSignal): Promise<void> {
    const { directory, clock, isSteward, state } = this.#options
    for (const site of directory.retired) {
      if (!isSteward() || signal.aborted) return
      if ((this.#settledUntil.get(site) ?? 0) > clock.monotonicMs()) continue
      await this.#forget(site)
      const way = directory.succession(site)
      const isHeir = way.length > 1 && way.at(-1) === state.site.name
      if (isHeir ? await this.#inherit(way, signal) : await this.#concede(site))
        this.#settledUntil.set(site, clock.monotonicMs() + SETTLED_MS)
    }
  }

  /** What a site alone could say is worth nothing when it is lost; but for its name, code and key, by which records are judged. */
  async #forget(site: string): Promise<void> {
    const { state, records } = this.#options
    if (site === state.site.name) return
    for (const table of records)
      if (table.soleHome && table.name !== sites.name)
        while ((await state.feed.forget(site, table, FORGET_BATCH)) === FORGET_BATCH);
  }

  /** Two sites had been named; the other one is the heir. What it took over goes there by its feed. */
  async #concede(site: string): Promise<boolean> {
    const { state, directory, displacement } = this.#options
    this.#left.delete(site)
    if (directory.heirsOf(site).includes(state.site.name))
      await state.attempt((transaction) => displacement.recount(transaction))
    return true
  }

  /** Answers whether everything was done that can be done now. */
  async #inherit(way: readonly string[], signal: AbortSignal): Promise<boolean> {
    const { records, state, log } = this.#options
    const [site = ''] = way
    const lent = await this.#adoptAll(shares as unknown as RecordTable, way, signal)
    await this.#noteNumbers(site)
    while (
      (await state.attempt((transaction) =>
        passSharesOn(transaction, { from: site, to: state.site.name, limit: BATCH }),
      )) > 0
    );
    const isPassedOn = await this.#claimBorrowed(site)
    let [adopted, left] = [lent.adopted, lent.left]
    for (const table of records) {
      if (table.soleHome) continue
      const outcome = await this.#adoptAll(table, way, signal)
      adopted += outcome.adopted
      left += outcome.left
    }
    if (adopted > 0) log.info({ site, adopted, left }, 'records of a retired site were taken over')
    if (left > 0 && this.#left.get(site) !== left)
      log.warn({ site, left }, 'records of a retired site stay, as their domains do not trust this one')
    this.#left.set(site, left)
    return adopted === 0 && isPassedOn && !signal.aborted
  }

  async #adoptAll(
    table: RecordTable,
    way: readonly string[],
    signal: AbortSignal,
  ): Promise<{ adopted: number; left: number }> {
    const { state } = this.#options
    let [adopted, left] = [0, 0]
    // Below all numbers: a record that was handed over and never seen at its new home has none yet.
    for (let after = -1; !signal.aborted; ) {
      const rows = await state
        .select(scope, table)
        .select(['id', 'seq'])
        .where('home', '=', way[0] ?? '')
        .where('seq', '>', after)
        .orderBy('seq')
        .limit(BATCH)
        .execute()
      if (rows.length === 0) break
      const taken = await state.attempt((transaction) => this.#adopt(transaction, table, rows, way))
      adopted += taken
      left += rows.length - taken
      after = rows.at(-1)?.seq ?? after
    }
    return { adopted, left }
  }

  async #adopt(
    transaction: StateTransaction,
    table: RecordTable,
    rows: readonly { readonly id: string }[],
    path: readonly string[],
  ): Promise<number> {
    const { sign, trust, displacement } = this.#options
    let adopted = 0
    for (const { id } of rows) {
      const row = await transaction.adopt(table, id, { path, sign, trust })
      if (!row) continue
      adopted++
      await displacement.settle[table.name]?.(transaction, row)
    }
    return adopted
  }

  /** Before any number of the lost site's ranges can be taken here. */
  async #noteNumbers(site: string): Promise<void> {
    const { state, directory, displacement } = this.#options
    for (const { name: lender } of directory.all) {
      for (const { resource, ranges } of await numbersLent(state, { lender, borrower: site })) {
        const numbers = await displacement.numbersInUse(state, resource, ranges)
        for (let from = 0; from < numbers.length; from += BATCH)
          await state.attempt((transaction) =>
            noteTaken(transaction, resource, numbers.slice(from, from + BATCH)),
          )
      }
    }
  }

  /** Asks those who lent the site something for that. Answers whether all of them have passed it on. */
  async #claimBorrowed(site: string): Promise<boolean> {
    const { transport, directory, log } = this.#options
    let isComplete = true
    for (const { name: lender, standing } of directory.others) {
      if (standing === 'retired' || standing === 'revoked') continue
      if (!(await this.#hasBorrowed(site, lender))) continue
      try {
        await callPeer(transport, {
          site: lender,
          method: 'POST',
          path: '/peer/v1/shares/inherit',
          body: { site },
          answer: PassedOn,
          workMs: 5000,
        })
      } catch (error) {
        if (!PeerUnreachable.is(error) && !(error instanceof PeerRefused)) throw error
        log.info({ site, lender, err: error }, 'what a retired site had borrowed is asked for again later')
      }
      // Its feed says when there is nothing left.
      isComplete = false
    }
    return isComplete
  }

  async #hasBorrowed(site: string, lender: string): Promise<boolean> {
    const rows = await this.#options.state
      .select(scope, shares)
      .select(['amount', 'ranges'])
      .where('home', '=', lender)
      .where('borrower', '=', site)
      .execute()
    return rows.some(({ amount, ranges }) => amount !== 0 || ranges.length > 0)
  }
}
