/**
 * What a site keeps of the overlay over a restart: what the others said of themselves and where it was itself, so that it
 * finds the cloud again though all whom it was told of have moved. Written when it has changed, and not often.
 */

import {
  DIMENSIONS,
  type OverlaySite,
  type Position,
  readPosition,
  type SignedDescriptor,
} from '@atoll/overlay'
import type { Store } from '@atoll/rome'
import type { State } from '@atoll/state'
import { overlayMembers, overlayPositions } from '../tables.ts'

export interface OverlayMemoryOptions {
  readonly state: State
  readonly store: Store
}

export interface Remembered {
  /** Unverified, as whatever was written may be old. */
  readonly members: readonly SignedDescriptor[]
  readonly position: Position | undefined
}

/** As the directory. */
const MEMBERS_MAX = 10_000
/** Rows in one transaction. */
const ROWS_PER_PASS = 500
/** A shorter way is not worth a write: the noise of a position is of this size. */
const MOVED_MS_MIN = 3

export class OverlayMemory {
  readonly #options: OverlayMemoryOptions
  /** By site, what is written of it but for the incarnation, which rises with every doubt. */
  readonly #written = new Map<string, string>()
  #position: Position | undefined

  constructor(options: OverlayMemoryOptions) {
    this.#options = options
  }

  async load(): Promise<Remembered> {
    const { state } = this.#options
    const rows = await state.local(overlayMembers).selectAll().execute()
    const own = await state
      .local(overlayPositions)
      .selectAll()
      .where('site', '=', state.site.name)
      .executeTakeFirst()
    this.#position = own && readPosition(own.position)
    return { members: rows.map(({ descriptor }) => descriptor), position: this.#position }
  }

  /** Takes note of what `load` gave and proved to be genuine. */
  loaded(site: OverlaySite): void {
    for (const { descriptor } of site.table.all)
      this.#written.set(descriptor.contact.site, wordOf(descriptor))
  }

  /** Writes what is new since the last time. */
  async keep(site: OverlaySite): Promise<void> {
    const members = site.table.all.slice(0, MEMBERS_MAX).map(({ descriptor }) => descriptor)
    const news = members
      .filter((descriptor) => this.#written.get(descriptor.contact.site) !== wordOf(descriptor))
      .slice(0, ROWS_PER_PASS)
    const gone = [...this.#written.keys()].filter((name) => !site.table.find(name)).slice(0, ROWS_PER_PASS)
    const position = site.space?.positions.load()
    const hasMoved = position !== undefined && isFar(position, this.#position)
    if (news.length === 0 && gone.length === 0 && !hasMoved) return
    const { store, state } = this.#options
    await store.transaction(async ({ queries }) => {
      for (const { contact, signed } of news) {
        await queries
          .insertInto(overlayMembers.name)
          .values({ site: contact.site, descriptor: signed })
          .onConflict((conflict) => conflict.column('site').doUpdateSet({ descriptor: signed }))
          .execute()
      }
      for (const name of gone)
        await queries.deleteFrom(overlayMembers.name).where('site', '=', name).execute()
      if (!hasMoved) return
      await queries
        .insertInto(overlayPositions.name)
        .values({ site: state.site.name, position })
        .onConflict((conflict) => conflict.column('site').doUpdateSet({ position }))
        .execute()
    })
    for (const descriptor of news) this.#written.set(descriptor.contact.site, wordOf(descriptor))
    for (const name of gone) this.#written.delete(name)
    if (hasMoved) this.#position = position
  }
}

function wordOf({ contact, state, signed }: OverlaySite['self']): string {
  return JSON.stringify([contact.addresses, state, signed.credential])
}

function isFar(position: Position, written: Position | undefined): boolean {
  if (!written) return true
  let sum = (position.heightMs - written.heightMs) ** 2
  for (let index = 0; index < DIMENSIONS; index++)
    sum += ((position.vector[index] ?? 0) - (written.vector[index] ?? 0)) ** 2
  return Math.sqrt(sum) >= MOVED_MS_MIN
}
