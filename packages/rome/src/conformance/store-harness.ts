/** How the suite of stores reaches one, and what its facts have in common. */

import { commitNumber, integer, json, text } from '../schema/column.ts'
import { defineTable } from '../schema/define-table.ts'
import type { Store } from '../store.ts'

export interface StoreHarness {
  /** The first opens an empty store; each further one is another peer of it, unless it is not shared. Closed by the suite. */
  open(): Promise<Store>
  close(): Promise<void>
}

export interface GivenStore {
  readonly store: Store
  another(): Promise<Store>
}

export type StoreFact = (name: string, body: (given: GivenStore) => Promise<void>) => void

export const islands = defineTable(
  'islands',
  { id: text(), name: text(), area: integer(), seq: commitNumber(), tags: json<readonly string[]>([]) },
  { primaryKey: ['id'], indexes: [['area']], unique: [['name']] },
)

export interface Island {
  readonly id: string
  readonly name: string
  readonly area: number
}

export function insert(store: Store, ...rows: readonly Island[]): Promise<unknown> {
  return store.transaction(({ queries }) =>
    queries
      .insertInto('islands')
      .values(rows.map((row) => ({ ...row, seq: 0, tags: [] })))
      .execute(),
  )
}

export async function idsOf(store: Store): Promise<unknown[]> {
  const rows = await store.read.selectFrom('islands').select('id').orderBy('id').execute()
  return rows.map(({ id }) => id)
}

export function enlarge(store: Store): Promise<void> {
  return store.transaction(async ({ queries }) => {
    const [row] = await queries.selectFrom('islands').select('area').where('id', '=', '1').execute()
    const area = Number(row?.area) + 1
    await queries.updateTable('islands').set({ area }).where('id', '=', '1').execute()
  })
}

export function insertNumbered(store: Store, id: string): Promise<void> {
  return store.transaction(async ({ queries, nextNumber, announce }) => {
    const seq = await nextNumber()
    await queries.insertInto('islands').values({ id, name: id, area: 1, seq, tags: [] }).execute()
    announce([{ table: 'islands', id }])
  })
}
