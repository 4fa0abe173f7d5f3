import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import Sqlite from 'better-sqlite3'
import { StoreCorrupt, StoreNewer, StoreUnavailable, UniqueViolation } from '../../errors.ts'
import { boolean, integer, json, text } from '../../schema/column.ts'
import { defineTable } from '../../schema/define-table.ts'
import { openSqlite } from './open-sqlite.ts'

const islands = defineTable(
  'islands',
  { id: text(), name: text(), area: integer().nullable(), tags: json<string[]>([]), isInhabited: boolean() },
  { primaryKey: ['id'], indexes: [['area']], unique: [['name']] },
)

function temporaryPath(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'atoll-sqlite-'))
  t.after(() => rmSync(directory, { recursive: true }))
  return join(directory, 'state.sqlite')
}

async function openIslands(t: TestContext) {
  const path = temporaryPath(t)
  const store = openSqlite({ path })
  t.after(() => store.close())
  await store.ensureTables([islands])
  const insert = (id: string, name = id) =>
    store.transaction(({ queries }) =>
      queries
        .insertInto('islands')
        .values({ id, name, area: null, tags: ['a', 'b'], isInhabited: true })
        .execute(),
    )
  return { path, store, insert }
}

test('values come back as they went in, JSON and booleans included', async (t) => {
  const { store, insert } = await openIslands(t)
  await insert('1', 'Motu')
  assert.deepEqual(await store.read.selectFrom('islands').selectAll().execute(), [
    { id: '1', name: 'Motu', area: null, tags: ['a', 'b'], isInhabited: true },
  ])
})

test('a reader never sees a transaction under way', async (t) => {
  const { store } = await openIslands(t)
  await store.transaction(async ({ queries }) => {
    await queries.insertInto('islands').values({ id: '1', name: 'Motu' }).execute()
    assert.equal((await queries.selectFrom('islands').selectAll().execute()).length, 1)
    assert.equal((await store.read.selectFrom('islands').selectAll().execute()).length, 0)
  })
  assert.equal((await store.read.selectFrom('islands').selectAll().execute()).length, 1)
})

test('a failing transaction leaves nothing, and its neighbours in the group alone', async (t) => {
  const { store, insert } = await openIslands(t)
  const outcomes = await Promise.allSettled([
    insert('1', 'Motu'),
    store.transaction(async ({ queries }) => {
      await queries.insertInto('islands').values({ id: '2', name: 'Rongelap' }).execute()
      throw new Error('changed my mind')
    }),
    insert('3', 'Motu'),
    insert('4', 'Bikini'),
  ])
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['fulfilled', 'rejected', 'rejected', 'fulfilled'],
  )
  const third = outcomes[2]
  assert.ok(third?.status === 'rejected' && UniqueViolation.is(third.reason))
  assert.deepEqual(third.reason.detail, { table: 'islands', columns: ['name'] })
  const rows = await store.read.selectFrom('islands').select('id').orderBy('id').execute()
  assert.deepEqual(rows, [{ id: '1' }, { id: '4' }])
})

test('a transaction that waits for the world is refused, because others wait for it', async (t) => {
  const { store } = await openIslands(t)
  const turn = () => new Promise((resolve) => setImmediate(resolve))
  const waiting = store.transaction(() => turn().then(turn))
  await assert.rejects(waiting, /waited for something other than the store/)
})

test('a column added later gets its fallback in old rows', async (t) => {
  const { path, store, insert } = await openIslands(t)
  await insert('1')
  await store.close()
  const wider = defineTable(
    'islands',
    { ...islands.columns, coconuts: integer(7) },
    { primaryKey: ['id'], indexes: [['area'], ['coconuts']], unique: [['name']] },
  )
  const reopened = openSqlite({ path })
  t.after(() => reopened.close())
  await reopened.ensureTables([wider])
  assert.deepEqual(await reopened.read.selectFrom('islands').select('coconuts').execute(), [{ coconuts: 7 }])
})

test('a file that is no store is named, and what to do with it', (t) => {
  const path = temporaryPath(t)
  writeFileSync(path, 'this is not a database, although it is long enough to be looked at'.repeat(100))
  assert.throws(() => openSqlite({ path }), StoreCorrupt.is)
})

test('numbers rise in the order of commits, are given back by what fails, and go on after a restart', async (t) => {
  const { path, store } = await openIslands(t)
  const numbers: number[] = []
  await Promise.allSettled([
    store.transaction(async ({ nextNumber }) => numbers.push(await nextNumber(), await nextNumber())),
    store.transaction(async ({ nextNumber }) => {
      await nextNumber()
      throw new Error('changed my mind')
    }),
    store.transaction(async ({ nextNumber }) => numbers.push(await nextNumber())),
  ])
  assert.deepEqual(numbers, [1, 2, 3])
  assert.equal(await store.headNumber(), 3)
  await store.close()
  const reopened = openSqlite({ path })
  t.after(() => reopened.close())
  assert.equal(await reopened.transaction(({ nextNumber }) => nextNumber()), 4)
})

test('a file of the first version goes on with the number it had', async (t) => {
  const path = temporaryPath(t)
  const old = new Sqlite(path)
  old.exec(
    `create table site_state (key text primary key, number integer); insert into site_state values ('seq', 41)`,
  )
  old.pragma('user_version = 1')
  old.close()
  const store = openSqlite({ path })
  t.after(() => store.close())
  assert.equal(await store.transaction(({ nextNumber }) => nextNumber()), 42)
})

test('a store of a newer Atoll is left alone', (t) => {
  const path = temporaryPath(t)
  const newer = new Sqlite(path)
  newer.pragma('user_version = 99')
  newer.close()
  assert.throws(() => openSqlite({ path }), StoreNewer.is)
})

test('a missing directory is named', (t) => {
  const path = join(temporaryPath(t), 'missing', 'state.sqlite')
  assert.throws(() => openSqlite({ path }), StoreUnavailable.is)
})

test('values stay out of the plan of a query, and count as they did', async (t) => {
  const { store } = await openIslands(t)
  await store.transaction(async ({ queries }) => {
    const rows = [1, 2, 3, 4].map((area) => ({ id: `${area}`, name: `Motu ${area}`, area }))
    await queries.insertInto('islands').values(rows).execute()
  })
  const query = store.read
    .selectFrom('islands')
    .select('id')
    .where('area', '>', 1)
    .where('name', 'like', 'motu%')
    .where('isInhabited', '=', false)
    .orderBy('area')
    .limit(2)
  assert.match(query.compile().sql, /"area" > \(select \?\).* limit \(select \?\)$/)
  assert.deepEqual(await query.execute(), [{ id: '2' }, { id: '3' }])
})
