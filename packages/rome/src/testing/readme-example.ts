/** The examples of the README as one program: a test runs it, and finds each example of the README in it, word for word. */

import { systemClock, systemRandom } from '@atoll/kit'
import { Kysely } from 'kysely'
import { retryOnConflict } from '../kysely/retry-on-conflict.ts'
import { RomeDialect } from '../kysely/rome-dialect.ts'
import { openRome } from '../open-rome.ts'
import { allowScan } from '../plan/allow-scan.ts'
import { explain } from '../plan/explain.ts'
import { loadReferring } from '../relations/load-related.ts'
import { boolean, integer, json, text } from '../schema/column.ts'
import { defineTable, type Row } from '../schema/define-table.ts'
import { memoryStore } from '../stores/memory/memory-store.ts'

/** What the examples print, in order. */
export const told: unknown[] = []
const print = (...values: unknown[]) => void told.push(...values)

const islands = defineTable(
  'islands',
  {
    id: text(),
    name: text(),
    area: integer(),
    isInhabited: boolean(),
    rulers: json<readonly string[]>([]),
  },
  { primaryKey: ['id'], indexes: [['area']], unique: [['name']] },
)
const harbours = defineTable(
  'harbours',
  { id: text(), island_id: text().nullable(), depth: integer() },
  {
    primaryKey: ['id'],
    indexes: [['island_id']],
    references: { island: { columns: ['island_id'], table: islands } },
  },
)
interface Tables {
  islands: Row<typeof islands>
  harbours: Row<typeof harbours>
}

const database = new Kysely<Tables>({
  dialect: new RomeDialect({ store: memoryStore(), tables: [islands, harbours] }),
})
await database
  .insertInto('islands')
  .values({ id: 'a', name: 'Atiu', area: 27, isInhabited: true, rulers: ['Rongomatane'] })
  .execute()
const large = await database.selectFrom('islands').select('name').where('area', '>', 20).execute()

print(large)

await retryOnConflict({ clock: systemClock, random: systemRandom }, () =>
  database.transaction().execute(async (transaction) => {
    const { area } = await transaction
      .selectFrom('islands')
      .select('area')
      .where('id', '=', 'a')
      .executeTakeFirstOrThrow()
    await transaction
      .updateTable('islands')
      .set({ area: area + 1 })
      .where('id', '=', 'a')
      .execute()
  }),
)

print(await database.selectFrom('islands').select('area').executeTakeFirst())

const query = database
  .selectFrom('harbours')
  .innerJoin('islands', 'islands.id', 'harbours.island_id')
  .select(['islands.name', 'harbours.depth'])
  .where('islands.name', '=', 'Atiu')
print(explain(query, [islands, harbours]))
// read islands by islands(name): name
// join harbours by harbours(island_id): island_id, the look-ups of a batch together

const quiet = await database
  .selectFrom('islands')
  .selectAll()
  .where('isInhabited', '=', false)
  .$call(allowScan)
  .execute()

print(quiet)
await database.destroy()

const store = openRome({ store: memoryStore(), clock: systemClock, random: systemRandom })
await store.ensureTables([islands, harbours])
await store.transaction(async ({ queries }) => {
  await queries.insertInto('harbours').values({ id: 'h', island_id: 'a', depth: 7 }).execute()
})
const [ofAtiu] = await loadReferring(store.read, {
  from: harbours,
  reference: 'island',
  to: islands,
  rows: [{ id: 'a' }],
})

print(ofAtiu)
await store.close()
