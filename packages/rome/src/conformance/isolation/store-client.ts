/**
 * Carries out steps on lists that a store keeps in tables: each list a row with an index of latest values, each append one more
 * row, numbered in the order of commits. Whatever runs the queries, the history is the same.
 */

import { sleep, systemClock } from '@atoll/kit'
import { StoreUnavailable } from '../../errors.ts'
import { commitNumber, text } from '../../schema/column.ts'
import { defineTable, type Table } from '../../schema/define-table.ts'
import type { Queries, Store, Transaction } from '../../store.ts'
import type { HistoryClient } from './execute-plan.ts'
import type { Event, Step } from './history.ts'
import { GaveUp, KEYS, type Plan } from './plan.ts'

const lists = defineTable(
  'history_lists',
  { id: text(), list: text(), latest: text() },
  { primaryKey: ['id'], indexes: [['latest']] },
)
const appends = defineTable(
  'history_appends',
  { id: text(), key: text(), seq: commitNumber() },
  { primaryKey: ['id'], indexes: [['key', 'seq']] },
)
export const historyTables: readonly Table[] = [lists, appends]

/** A client that was told that its store is away pauses for a moment, as people do. */
const PAUSE_MS = 20

export interface StoreClientOptions {
  readonly store: Store
  /** Resolves when the client dies; never without this. */
  readonly died?: Promise<void>
}

/** A client of a store that has `historyTables`. */
export function storeClient({ store, died = new Promise(() => {}) }: StoreClientOptions): HistoryClient {
  let isAlive = true
  void died.then(() => {
    isAlive = false
  })
  return {
    died,
    isAlive: () => isAlive,
    run: async (plan) => {
      try {
        return await run(store, plan)
      } catch (error) {
        if (StoreUnavailable.is(error)) await sleep(systemClock, PAUSE_MS)
        throw error
      }
    },
  }
}

/** The number of each value that was appended. */
export async function readNumbers(store: Store): Promise<ReadonlyMap<string, number>> {
  const rows = await store.read.selectFrom(appends.name).select(['id', 'seq']).execute()
  return new Map(rows.map(({ id, seq }) => [String(id), Number(seq)]))
}

async function run(store: Store, { steps, manner, givesUp }: Plan): Promise<readonly Event[]> {
  const [only] = steps
  if (manner === 'read' && only) return look(store.read, only)
  return store.transaction(async (transaction) => {
    const events: Event[] = []
    for (const step of steps)
      events.push(
        ...(step.kind === 'append' ? await append(transaction, step) : await look(transaction.queries, step)),
      )
    if (givesUp) throw new GaveUp()
    return events
  })
}

async function append(
  { queries, nextNumber, assumeNew, announce }: Transaction,
  { key, value }: Extract<Step, { kind: 'append' }>,
): Promise<readonly Event[]> {
  const list = await listOf(queries, key)
  const row = { list: [...list, value].join(' '), latest: value }
  if (list.length > 0) await queries.updateTable(lists.name).set(row).where('id', '=', key).execute()
  else {
    // Who is wrong about there being none loses the other's append, which the history shows.
    const insert = queries.insertInto(lists.name).values({ id: key, ...row })
    await insert.onConflict((conflict) => conflict.column('id').doUpdateSet(row)).execute()
  }
  assumeNew(appends.name, { id: value })
  const seq = await nextNumber()
  await queries.insertInto(appends.name).values({ id: value, key, seq }).execute()
  announce([{ table: appends.name, id: value }])
  return [
    { kind: 'seen', key, list },
    { kind: 'appended', key, value },
  ]
}

async function look(queries: Queries, step: Step): Promise<readonly Event[]> {
  switch (step.kind) {
    case 'append':
      return []
    case 'read':
      return [{ kind: 'seen', key: step.key, list: await listOf(queries, step.key) }]
    case 'scan':
      return scan(queries, step)
    case 'latest':
      return latest(queries)
  }
}

async function listOf(queries: Queries, key: string): Promise<readonly string[]> {
  const row = await queries.selectFrom(lists.name).select('list').where('id', '=', key).executeTakeFirst()
  return valuesOf(row?.list)
}

async function scan(
  queries: Queries,
  { from, to, limit }: Extract<Step, { kind: 'scan' }>,
): Promise<readonly Event[]> {
  const rows = await queries
    .selectFrom(lists.name)
    .select(['id', 'list'])
    .where('id', '>=', from)
    .where('id', '<', to)
    .orderBy('id')
    .limit(limit)
    .execute()
  const found = new Map(rows.map(({ id, list }) => [String(id), valuesOf(list)]))
  const last = rows.at(-1)?.id as string
  // Behind the last of as many as were asked for nothing was looked at.
  const known = KEYS.filter((key) => key >= from && key < to && (rows.length < limit || key <= last))
  return known.map((key) => ({ kind: 'seen', key, list: found.get(key) ?? [] }))
}

async function latest(queries: Queries): Promise<readonly Event[]> {
  const rows = await queries
    .selectFrom(lists.name)
    .selectAll()
    .where('latest', '>', '')
    .orderBy('latest', 'desc')
    .execute()
  const found = new Map(rows.map((row) => [String(row.id), row]))
  return KEYS.flatMap((key): Event[] => {
    const row = found.get(key)
    return [
      { kind: 'seen', key, latest: row && String(row.latest) },
      { kind: 'seen', key, list: valuesOf(row?.list) },
    ]
  })
}

function valuesOf(list: unknown): readonly string[] {
  return typeof list === 'string' && list !== '' ? list.split(' ') : []
}
