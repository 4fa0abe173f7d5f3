/**
 * What reads and transactions of the state layer cost, without HTTP and without the services: on ROME over a store in memory,
 * which shows what ROME itself takes, and on SQLite beside it.
 *
 *     ./atoll bench rome-transactions [--count N] [--concurrency N] [--stores memory,sqlite]
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { systemClock, systemRandom } from '@atoll/kit'
import {
  commitNumber,
  defineTable,
  integer,
  json,
  memoryStore,
  openRome,
  openSqlite,
  type Store,
  text,
} from '@atoll/rome'
import { machineLine } from './support/machine.ts'

const quotas = defineTable(
  'quotas',
  { project: text(), resource: text(), used: integer() },
  { primaryKey: ['project', 'resource'] },
)

const servers = defineTable(
  'servers',
  {
    id: text(),
    home: text(),
    seq: commitNumber(),
    project_id: text(),
    name: text(),
    host: text(),
    status: text(),
    created_at: integer(),
    metadata: json<Readonly<Record<string, string>>>({}),
  },
  { primaryKey: ['id'], indexes: [['home', 'seq'], ['project_id'], ['host']] },
)

const ports = defineTable(
  'ports',
  { id: text(), seq: commitNumber(), home: text(), server_id: text(), network_id: text(), address: text() },
  { primaryKey: ['id'], indexes: [['home', 'seq'], ['server_id']], unique: [['network_id', 'address']] },
)

const PROJECTS = 20
const SERVERS = 2000

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '20000' },
    concurrency: { type: 'string', default: '64' },
    stores: { type: 'string', default: 'memory,sqlite' },
    only: { type: 'string', default: '' },
  },
})
/** Of one. On a busy machine, time of the processor says more than time on the wall. */
interface Cost {
  readonly wallMicros: number
  readonly cpuMicros: number
}

const [count, concurrency] = [Number(values.count), Number(values.concurrency)]

const STORES: Readonly<Record<string, (directory: string) => Store>> = {
  memory: () => openRome({ store: memoryStore(), clock: systemClock, random: systemRandom }),
  sqlite: (directory) => openSqlite({ path: join(directory, 'state.sqlite') }),
}

console.log(machineLine())
console.log(`${count} of each: µs on the wall and of the processor, for one; * with ${concurrency} at a time`)
for (const name of values.stores.split(',')) {
  const directory = mkdtempSync(join(tmpdir(), 'atoll-bench-'))
  const store = STORES[name]?.(directory)
  if (!store) throw new Error(`no store named ${name}`)
  try {
    await measure(name, store)
  } finally {
    await store.close()
    rmSync(directory, { recursive: true })
  }
}

async function measure(name: string, store: Store): Promise<void> {
  await store.ensureTables([quotas, servers, ports])
  await store.transaction(async ({ queries }) => {
    const rows = Array.from({ length: PROJECTS }, (_, index) => ({
      project: `p${index}`,
      resource: 'cores',
      used: 0,
    }))
    await queries.insertInto('quotas').values(rows).execute()
  })
  for (let index = 0; index < SERVERS; index++) await createServer(store, index)
  const idOf = (index: number) => `server-${index % SERVERS}`
  const point = (index: number) =>
    store.read.selectFrom('servers').selectAll().where('id', '=', idOf(index)).executeTakeFirst()
  const list = (index: number) =>
    store.read
      .selectFrom('servers')
      .selectAll()
      .where('project_id', '=', `p${index % PROJECTS}`)
      .limit(20)
      .execute()
  const touch = (index: number) =>
    store.transaction(async ({ queries, nextNumber }) => {
      const seq = await nextNumber()
      await queries
        .updateTable('servers')
        .set({ status: `${index}`, seq })
        .where('id', '=', idOf(index))
        .execute()
    })
  const cases: Readonly<Record<string, () => Promise<Cost>>> = {
    'point read': () => sequentially(point),
    'point read in a session': () => store.session(() => sequentially(point)),
    'point read *': () => together(point),
    '20 of 100 rows by index': () => sequentially(list),
    'update of a row': () => sequentially(touch),
    'update of a row *': () => together(touch),
    'server with port and quota': () => sequentially((index) => createServer(store, SERVERS + index)),
    'server with port and quota *': () => together((index) => createServer(store, SERVERS + count + index)),
  }
  for (const [what, run] of Object.entries(cases)) {
    if (!what.includes(values.only)) continue
    const { wallMicros, cpuMicros } = await run()
    const cells = [wallMicros, cpuMicros].map((micros) => micros.toFixed(1).padStart(8))
    console.log(`${name.padEnd(8)} ${what.padEnd(30)} ${cells.join(' ')}`)
  }
}

function createServer(store: Store, index: number): Promise<void> {
  const project = `p${index % PROJECTS}`
  const id = `server-${index}`
  return store.transaction(async ({ queries, nextNumber, announce }) => {
    const quota = await queries
      .selectFrom('quotas')
      .select('used')
      .where('project', '=', project)
      .where('resource', '=', 'cores')
      .executeTakeFirst()
    await queries
      .updateTable('quotas')
      .set({ used: Number(quota?.used) + 1 })
      .where('project', '=', project)
      .where('resource', '=', 'cores')
      .execute()
    const common = { home: 'here', created_at: 1_700_000_000_000 + index }
    await queries
      .insertInto('servers')
      .values({
        ...{ ...common, id, seq: await nextNumber(), project_id: project, name: `vm ${index}` },
        ...{ host: `host-${index % 100}`, status: 'BUILD', metadata: { purpose: 'measurement' } },
      })
      .execute()
    await queries
      .insertInto('ports')
      .values({
        ...{ id: `port-${index}`, home: 'here', seq: await nextNumber(), server_id: id },
        ...{
          network_id: `net-${index >> 12}`,
          address: `10.0.${(index >> 8) & 255}.${index & 255}/${index}`,
        },
      })
      .execute()
    announce([{ table: 'servers', id }])
  })
}

function sequentially(run: (index: number) => Promise<unknown>): Promise<Cost> {
  return costOf(async () => {
    for (let index = 0; index < count; index++) await run(index)
  })
}

function together(run: (index: number) => Promise<unknown>): Promise<Cost> {
  let next = 0
  const client = async () => {
    while (next < count) await run(next++)
  }
  return costOf(() => Promise.all(Array.from({ length: concurrency }, client)))
}

async function costOf(run: () => Promise<unknown>): Promise<Cost> {
  const [startedMs, before] = [performance.now(), process.cpuUsage()]
  await run()
  const { user, system } = process.cpuUsage(before)
  return { wallMicros: ((performance.now() - startedMs) * 1000) / count, cpuMicros: (user + system) / count }
}
