/**
 * A read of one row by its key, as services write it: Kysely builds the query, and the store answers. On SQLite and on ROME in
 * memory, in turns, each read of another row of 10,000.
 *
 *     ./atoll bench rome-point-read [reads of each round, 20000 by default]
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { seededRandom, systemClock } from '@atoll/kit'
import {
  boolean,
  defineTable,
  integer,
  json,
  memoryStore,
  openRome,
  openSqlite,
  type Queries,
  type Store,
  text,
} from '@atoll/rome'

const ROWS = 10_000
const ROUNDS = 5
const reads = Number(process.argv[2] ?? 20_000)

const boats = defineTable(
  'boats',
  {
    id: text(),
    name: text(),
    harbour: text().nullable(),
    length_cm: integer(),
    is_afloat: boolean(),
    crew: json<readonly string[]>([]),
    built_at: integer(),
    sold_at: integer().nullable(),
  },
  { primaryKey: ['id'], indexes: [['harbour', 'built_at']] },
)

const idOf = (at: number) => `8a1f0000-0000-4000-8000-${String(at % ROWS).padStart(12, '0')}`

async function fill(store: Store): Promise<void> {
  await store.ensureTables([boats])
  for (let from = 0; from < ROWS; from += 100) {
    await store.transaction(async ({ queries }) => {
      const rows = Array.from({ length: 100 }, (_, at) => ({
        id: idOf(from + at),
        name: `boat ${from + at}`,
        harbour: at % 3 === 0 ? null : `harbour ${at % 17}`,
        length_cm: at,
        is_afloat: at % 2 === 0,
        crew: ['ana', 'bo'],
        built_at: from + at,
        sold_at: null,
      }))
      await queries.insertInto('boats').values(rows).execute()
    })
  }
}

const find = (queries: Queries, id: string) => queries.selectFrom('boats').selectAll().where('id', '=', id)

/** Microseconds of processor time for each read: what others do on the machine is not counted. */
async function timed(work: () => Promise<void>): Promise<number> {
  const before = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / reads
}

const measure = (read: (at: number) => unknown): Promise<number> =>
  timed(async () => {
    for (let at = 0; at < reads; at++) await read(at * 7919)
  })

const measureTransactions = (store: Store): Promise<number> =>
  timed(async () => {
    for (let from = 0; from < reads; from += 100) {
      await store.transaction(async ({ queries }) => {
        for (let at = from; at < from + 100; at++) await find(queries, idOf(at * 7919)).executeTakeFirst()
      })
    }
  })

const directory = mkdtempSync(join(tmpdir(), 'atoll-bench-'))
const sqlite = openSqlite({ path: join(directory, 'state.sqlite') })
const rome = openRome({ store: memoryStore(), clock: systemClock, random: seededRandom('bench') })
await Promise.all([fill(sqlite), fill(rome)])

const ways: readonly (readonly [string, () => Promise<number>])[] = [
  ['Kysely alone: build and compile', () => measure((at) => find(rome.read, idOf(at)).compile())],
  ['SQLite', () => measure((at) => find(sqlite.read, idOf(at)).executeTakeFirst())],
  ['ROME, alone', () => measure((at) => find(rome.read, idOf(at)).executeTakeFirst())],
  [
    'ROME, in a session',
    () =>
      rome.session(async () => {
        await find(rome.read, idOf(0)).executeTakeFirst()
        return measure((at) => find(rome.read, idOf(at)).executeTakeFirst())
      }),
  ],
  ['ROME, in transactions of 100 reads', () => measureTransactions(rome)],
]

console.log(
  `${cpus()[0]?.model}, Node ${process.version}, ${new Date(systemClock.nowMs()).toISOString().slice(0, 10)}`,
)
const results = new Map<string, number[]>(ways.map(([name]) => [name, []]))
for (let round = 0; round < ROUNDS; round++)
  for (const [name, run] of ways) results.get(name)?.push(await run())
for (const [name, times] of results) {
  const sorted = times.toSorted((left, right) => left - right)
  console.log(
    `${name.padEnd(34)} median ${(sorted[ROUNDS >> 1] ?? 0).toFixed(2)} µs, best ${(sorted[0] ?? 0).toFixed(2)} µs`,
  )
}
await Promise.all([sqlite.close(), rome.close()])
rmSync(directory, { recursive: true })
