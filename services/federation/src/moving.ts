/**
 * Moving a home: a handshake of two sites. The old home gives the record up with a new generation, durably and signed,
 * and then offers it until the new home's own feed shows it; so a crash on either side at any step loses nothing, and
 * every other site can see that nobody took what was not given.
 */

import type { Logger } from '@atoll/kit'
import { type PeerTransport, PeerUnreachable } from '@atoll/overlay'
import type { AnyRecord, RecordTable, SignMove, State, Trust } from '@atoll/state'
import { Type } from 'typebox'
import type { Directory } from './directory.ts'
import { CannotMove } from './errors.ts'
import { homeOf } from './home-of.ts'
import { callPeer, PeerRefused, RowAnswer } from './peer-client.ts'

/** A row as another site sent it: nothing of it is certain but that it has an id. */
export type PeerRow = Readonly<Record<string, unknown>> & { readonly id: string }

export interface MoverOptions {
  readonly state: State
  readonly transport: PeerTransport
  readonly directory: Directory
  readonly records: readonly RecordTable[]
  readonly trust: Trust
  /** Signs with the key of this site. */
  readonly sign: SignMove
  readonly log: Logger
}

export class Mover {
  readonly #options: MoverOptions
  readonly #tables: ReadonlyMap<string, RecordTable>

  constructor(options: MoverOptions) {
    this.#options = options
    this.#tables = new Map(
      options.records.filter(({ followsUse }) => followsUse).map((table) => [table.name, table]),
    )
  }

  /** Brings the home of a record here. False when its home does not answer or does not let it go. */
  async bringHome(tableName: string, id: string): Promise<boolean> {
    const { state, transport, directory, log } = this.#options
    const table = this.#tables.get(tableName)
    const home = await homeOf({ state, directory }, tableName, id)
    if (!table || home === undefined || home === state.site.name) return false
    try {
      const { row } = await callPeer(transport, {
        site: home,
        method: 'POST',
        path: '/peer/v1/homes',
        body: { table: tableName, id },
        answer: RowAnswer,
        workMs: 1000,
      })
      await this.accept(tableName, row)
      return true
    } catch (error) {
      if (!PeerUnreachable.is(error) && !(error instanceof PeerRefused)) throw error
      log.info({ table: tableName, id, home, err: error }, 'a home could not be moved')
      return false
    }
  }

  /** Gives a record to `site`, which asked for it. @throws CannotMove, RecordGone, NotHome */
  async giveAway(tableName: string, id: string, site: string): Promise<AnyRecord> {
    const table = this.#tables.get(tableName)
    if (!table?.followsUse) throw CannotMove({ table: tableName, id })
    const { followsUse } = table
    const { state, sign } = this.#options
    return state.transaction(async (transaction) => {
      const row = await transaction.handOver(table, id, { to: site, sign })
      if (!followsUse(row)) throw CannotMove({ table: tableName, id })
      return row
    })
  }

  /**
   * Takes a record that was handed over to this site. Idempotent. @throws CannotMove for one that was not, or of which
   * that cannot be seen yet; it is offered again
   */
  async accept(tableName: string, row: PeerRow): Promise<void> {
    const { state, directory, trust, sign } = this.#options
    const table = this.#tables.get(tableName)
    const path = directory.succession(String(row.home))
    const isInherited = path.length > 1 && path.at(-1) === state.site.name
    const isTaken =
      table &&
      (await state.transaction((transaction) =>
        isInherited
          ? transaction.inherit(table, row, { path, sign, trust })
          : transaction.takeOver(table, row, trust),
      ))
    if (!isTaken) throw CannotMove({ table: tableName, id: row.id })
  }

  /** One pass of the sweeper: offers again what was handed over and has not shown up in the new home's feed. */
  async offerAgain(): Promise<void> {
    const { state, transport, directory, log } = this.#options
    for (const table of this.#tables.values()) {
      for (const row of await state.handedOver(table)) {
        // It was lost before it was seen there: its heir takes it, and this site by itself if it is the heir.
        const site = directory.standInFor(row.home)
        if (site === state.site.name) continue
        try {
          await callPeer(transport, {
            site,
            method: 'POST',
            path: '/peer/v1/homes/accept',
            body: { table: table.name, row },
            answer: Type.Object({}),
            workMs: 1000,
          })
        } catch (error) {
          log.info(
            { table: table.name, id: row.id, site, err: error },
            'a handed-over record is offered again later',
          )
        }
      }
    }
  }
}
