/** The tables that the facts of SQL stores are about, and clients of a store. */

import { seededRandom, silentLogger, systemClock } from '@atoll/kit'
import {
  boolean,
  commitNumber,
  defineTable,
  integer,
  json,
  openStore,
  real,
  type Store,
  text,
} from '@atoll/rome'

export const islands = defineTable(
  'islands',
  {
    id: text(),
    name: text(),
    area: integer().nullable(),
    depth: real(),
    tags: json<readonly string[]>([]),
    is_inhabited: boolean(),
    seq: commitNumber(),
  },
  { primaryKey: ['id'], indexes: [['area'], ['seq']], unique: [['name']] },
)
export const counters = defineTable('counters', { key: text(), count: integer() }, { primaryKey: ['key'] })

export interface Ocean {
  readonly store: Store
  /** One more client of the same store. */
  another(): Promise<Store>
  insert(id: string, values?: Readonly<Record<string, unknown>>): Promise<void>
}

export type Fact = (name: string, check: (ocean: Ocean) => Promise<void>) => void

let seeds = 0

/** A client of the store at `url`. */
export function openClient(url: string): Promise<Store> {
  return openStore(url, {
    clock: systemClock,
    random: seededRandom(`${process.pid}-${++seeds}`),
    log: silentLogger,
  })
}

/** Adds an island in a transaction of its own, numbered and announced. */
export function addIsland(
  store: Store,
  id: string,
  values: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  return store.transaction(async ({ queries, nextNumber, announce }) => {
    const seq = await nextNumber()
    const row = { id, name: id, area: null, depth: 1.5, tags: ['a'], is_inhabited: true, seq, ...values }
    await queries.insertInto('islands').values(row).execute()
    announce([{ table: 'islands', id }])
  })
}
