import assert from 'node:assert/strict'
import { test } from 'node:test'
import { QueryNotSupported, ScanRefused, UniqueViolation } from '../errors.ts'
import { allowScan } from '../plan/allow-scan.ts'
import { catalogueOf } from '../schema/catalogue.ts'
import { boolean, integer, json, text } from '../schema/column.ts'
import { defineTable } from '../schema/define-table.ts'
import { localQueries } from '../testing/local-queries.ts'
import { WholeWorkspace } from '../testing/whole-workspace.ts'

const islands = defineTable(
  'islands',
  {
    id: text(),
    name: text(),
    area: integer(),
    isInhabited: boolean(),
    tags: json<readonly string[]>([]),
    ruler: text().nullable(),
  },
  { primaryKey: ['id'], indexes: [['area']], unique: [['name']] },
)
const harbours = defineTable(
  'harbours',
  { island_id: text(), number: integer(), depth: integer() },
  { primaryKey: ['island_id', 'number'] },
)

async function openIslands(scanRowsMax = 20_000) {
  const workspace = new WholeWorkspace()
  const queries = localQueries({ catalogue: catalogueOf([islands, harbours]), workspace, scanRowsMax })
  await queries
    .insertInto('islands')
    .values([
      { id: 'a', name: 'Atiu', area: 27, isInhabited: true, tags: ['makatea'], ruler: null },
      { id: 'b', name: 'Bikini', area: 6, isInhabited: false, tags: [], ruler: 'nobody' },
      { id: 'c', name: 'Çeşme', area: 27, isInhabited: true, tags: [], ruler: null },
    ])
    .execute()
  return { queries, workspace }
}

test('a row comes back as it was given, and belongs to whoever asked', async () => {
  const { queries } = await openIslands()
  const find = () => queries.selectFrom('islands').selectAll().where('id', '=', 'a').executeTakeFirst()
  const row = (await find()) as { tags: string[] } | undefined
  assert.deepEqual(row, {
    id: 'a',
    name: 'Atiu',
    area: 27,
    isInhabited: true,
    tags: ['makatea'],
    ruler: null,
  })
  row?.tags.push('changed')
  assert.deepEqual((await find())?.tags, ['makatea'])
})

test('conditions, order and limit have the outcome that SQLite gives', async () => {
  const { queries } = await openIslands()
  const ids = async (refine: (query: typeof all) => { execute(): Promise<{ id?: unknown }[]> }) =>
    (await refine(all).execute()).map(({ id }) => id)
  const all = queries.selectFrom('islands').select('id')
  assert.deepEqual(await ids((query) => query.where('area', '>', 6).orderBy('name', 'desc')), ['c', 'a'])
  assert.deepEqual(await ids((query) => query.where('name', 'like', 'b%')), ['b'])
  assert.deepEqual(await ids((query) => query.where('ruler', 'is', null).orderBy('id')), ['a', 'c'])
  assert.deepEqual(await ids((query) => query.where('id', 'in', ['c', 'a', 'x', 'c'])), ['a', 'c'])
  assert.deepEqual(
    await ids((query) => query.orderBy('area', 'desc').orderBy('id', 'desc').limit(1).offset(1)),
    ['a'],
  )
})

test('a unique column takes no value twice, and nothing of the statement is written', async () => {
  const { queries } = await openIslands()
  const row = { area: 1, isInhabited: false, tags: [], ruler: null }
  const insert = queries.insertInto('islands').values([
    { id: 'd', name: 'Dominica', ...row },
    { id: 'e', name: 'Atiu', ...row },
  ])
  await assert.rejects(insert.execute(), (error) => UniqueViolation.is(error) && error.detail !== undefined)
  assert.equal((await queries.selectFrom('islands').select('id').execute()).length, 3)
})

test('an update answers with the new rows, and index entries follow', async () => {
  const { queries, workspace } = await openIslands()
  const changed = await queries
    .updateTable('islands')
    .set((eb) => ({ area: eb('area', '+', 1) }))
    .where('area', '=', 27)
    .returning(['id', 'area'])
    .execute()
  assert.deepEqual(changed, [
    { id: 'a', area: 28 },
    { id: 'c', area: 28 },
  ])
  await queries.deleteFrom('islands').where('id', '=', 'b').execute()
  assert.equal(workspace.keysOf('islands(area)').length, 2)
  assert.equal(workspace.keysOf('islands(name)').length, 2)
})

test('on conflict updates the row that is there, or leaves it', async () => {
  const { queries } = await openIslands()
  const harbour = { island_id: 'a', number: 1, depth: 3 }
  await queries.insertInto('harbours').values(harbour).execute()
  await queries
    .insertInto('harbours')
    .values({ ...harbour, depth: 9 })
    .onConflict((conflict) =>
      conflict.columns(['island_id', 'number']).doUpdateSet((eb) => ({ depth: eb.ref('excluded.depth') })),
    )
    .execute()
  await queries
    .insertInto('harbours')
    .values({ ...harbour, depth: 1 })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
  assert.deepEqual(await queries.selectFrom('harbours').select('depth').execute(), [{ depth: 9 }])
})

test('joins and groups count what belongs together', async () => {
  const { queries } = await openIslands()
  const rows = [1, 2, 3].map((number) => ({ island_id: number < 3 ? 'a' : 'b', number, depth: number }))
  await queries.insertInto('harbours').values(rows).execute()
  const counted = await queries
    .selectFrom('islands')
    .leftJoin('harbours', 'harbours.island_id', 'islands.id')
    .select(({ fn }) => ['islands.id', fn.count('number').as('count'), fn.sum('depth').as('depth')])
    .groupBy('islands.id')
    .orderBy('islands.id')
    .execute()
  assert.deepEqual(counted, [
    { id: 'a', count: 2, depth: 3 },
    { id: 'b', count: 1, depth: 3 },
    { id: 'c', count: 0, depth: null },
  ])
})

test('all rows of a group are counted in each way that Kysely writes it', async () => {
  const { queries } = await openIslands()
  const counts = await queries
    .selectFrom('islands')
    .select(({ fn }) => ['area', fn.countAll().as('all'), fn.count('ruler').as('ruled')])
    .groupBy('area')
    .orderBy('area')
    .execute()
  assert.deepEqual(counts, [
    { area: 6, all: 1, ruled: 1 },
    { area: 27, all: 2, ruled: 0 },
  ])
})

test('what lies outside the subset is refused by name, with the fragment', async () => {
  const { queries } = await openIslands()
  const union = queries.selectFrom('islands').select('id').union(queries.selectFrom('islands').select('id'))
  await assert.rejects(union.execute(), (error) => QueryNotSupported.is(error) && /union/.test(error.message))
  const window = queries.selectFrom('islands').select((eb) => eb.fn('random').as('x'))
  await assert.rejects(window.execute(), /the function random: random\(\)/)
})

test('a query that no index serves looks at a bounded number of rows, unless it asks for all', async () => {
  const { queries } = await openIslands(2)
  const query = queries.selectFrom('islands').select('id').where('ruler', '=', 'nobody')
  await assert.rejects(query.execute(), ScanRefused.is)
  assert.deepEqual(await query.$call(allowScan).execute(), [{ id: 'b' }])
  assert.equal((await queries.selectFrom('islands').select('id').execute()).length, 3)
})
