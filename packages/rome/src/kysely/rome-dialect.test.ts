import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { seededRandom, systemClock } from '@atoll/kit'
import { Kysely } from 'kysely'
import { TransactionConflict, UniqueViolation } from '../errors.ts'
import { integer, text } from '../schema/column.ts'
import { defineTable, type Row } from '../schema/define-table.ts'
import { MemoryDatabase } from '../stores/memory/memory-database.ts'
import { memoryStore } from '../stores/memory/memory-store.ts'
import { retryOnConflict } from './retry-on-conflict.ts'
import { RomeDialect } from './rome-dialect.ts'

const people = defineTable(
  'people',
  { id: text(), name: text(), age: integer() },
  { primaryKey: ['id'], indexes: [['age']], unique: [['name']] },
)

interface Tables {
  people: Row<typeof people>
}

function open(t: TestContext, database = new MemoryDatabase()): Kysely<Tables> {
  const dialect = new RomeDialect({ store: memoryStore({ database }), tables: [people] })
  const kysely = new Kysely<Tables>({ dialect })
  t.after(() => kysely.destroy())
  return kysely
}

const ann = { id: '1', name: 'Ann', age: 30 }
const ben = { id: '2', name: 'Ben', age: 40 }

test('tables are there with the first query, and each statement is a transaction', async (t) => {
  const kysely = open(t)
  await kysely.insertInto('people').values([ann, ben]).execute()
  const { numUpdatedRows } = await kysely
    .updateTable('people')
    .set({ age: 31 })
    .where('id', '=', '1')
    .executeTakeFirstOrThrow()
  assert.equal(numUpdatedRows, 1n)
  const rows = await kysely.selectFrom('people').selectAll().where('age', '<', 40).execute()
  assert.deepEqual(rows, [{ ...ann, age: 31 }])
  assert.deepEqual(
    (await kysely.introspection.getTables()).map(({ name }) => name),
    ['people'],
  )
})

test('a transaction of Kysely commits all of it, or nothing when it throws', async (t) => {
  const [kysely, other] = [new MemoryDatabase()].flatMap((database) => [open(t, database), open(t, database)])
  assert.ok(kysely && other)
  await kysely.transaction().execute(async (transaction) => {
    await transaction.insertInto('people').values(ann).execute()
    assert.equal((await other.selectFrom('people').selectAll().execute()).length, 0)
    await transaction.insertInto('people').values(ben).execute()
  })
  assert.equal((await other.selectFrom('people').selectAll().execute()).length, 2)
  const failing = kysely.transaction().execute(async (transaction) => {
    await transaction.deleteFrom('people').execute()
    throw new Error('no')
  })
  await assert.rejects(failing, /^Error: no$/)
  assert.equal((await other.selectFrom('people').selectAll().execute()).length, 2)
})

test('a controlled transaction goes back to its savepoints', async (t) => {
  const kysely = open(t)
  const transaction = await kysely.startTransaction().execute()
  await transaction.insertInto('people').values(ann).execute()
  const saved = await transaction.savepoint('before Ben').execute()
  await saved.insertInto('people').values(ben).execute()
  await assert.rejects(
    saved
      .insertInto('people')
      .values({ ...ben, id: '3' })
      .execute(),
    UniqueViolation.is,
  )
  assert.equal((await saved.selectFrom('people').selectAll().execute()).length, 2)
  const back = await saved.rollbackToSavepoint('before Ben').execute()
  assert.deepEqual(await back.selectFrom('people').selectAll().execute(), [ann])
  await transaction.commit().execute()
  assert.deepEqual(await kysely.selectFrom('people').selectAll().execute(), [ann])
})

test('a transaction that somebody was in the way of says so, and the helper runs it again', async (t) => {
  const database = new MemoryDatabase()
  const [kysely, other] = [open(t, database), open(t, database)]
  await kysely.insertInto('people').values(ann).execute()
  let attempts = 0
  const birthday = () =>
    kysely.transaction().execute(async (transaction) => {
      const { age } = await transaction
        .selectFrom('people')
        .select('age')
        .where('id', '=', '1')
        .executeTakeFirstOrThrow()
      if (attempts++ === 0) await other.updateTable('people').set({ age: 50 }).where('id', '=', '1').execute()
      await transaction
        .updateTable('people')
        .set({ age: age + 1 })
        .where('id', '=', '1')
        .execute()
    })
  await assert.rejects(birthday(), TransactionConflict.is)
  attempts = 0
  await retryOnConflict({ clock: systemClock, random: seededRandom(1) }, birthday)
  assert.equal(attempts, 2)
  assert.deepEqual(await other.selectFrom('people').select('age').execute(), [{ age: 51 }])
})

test('a transaction that was rolled back leaves nothing, and nothing comes after its end', async (t) => {
  const kysely = open(t)
  const transaction = await kysely.startTransaction().execute()
  await transaction.insertInto('people').values(ann).execute()
  await transaction.rollback().execute()
  await assert.rejects(transaction.insertInto('people').values(ben).execute())
  assert.deepEqual(await kysely.selectFrom('people').selectAll().execute(), [])
})

test('a stream hands out all rows, in pieces', async (t) => {
  const kysely = open(t)
  const rows = Array.from({ length: 250 }, (_, index) => ({
    id: `${1000 + index}`,
    name: `${index}`,
    age: index,
  }))
  await kysely.insertInto('people').values(rows).execute()
  const seen: number[] = []
  for await (const { age } of kysely.selectFrom('people').select('age').orderBy('age').stream(100))
    seen.push(age)
  assert.deepEqual(
    seen,
    rows.map(({ age }) => age),
  )
})
