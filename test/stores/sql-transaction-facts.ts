/** Conflicts, numbers in commit order, and what clients of one store see of each other. */

import assert from 'node:assert/strict'
import {
  type Change,
  type Columns,
  defineTable,
  integer,
  type Store,
  text,
  UniqueViolation,
} from '@atoll/rome'
import { addIsland, type Fact, islands } from './sql-ocean.ts'

const pickOf = (clients: readonly Store[], index: number) => clients[index % clients.length] as Store

export function conflictFacts(fact: Fact): void {
  fact(
    'a unique violation names table and columns, and leaves the rest of the transaction',
    async ({ store, insert }) => {
      await insert('1', { name: 'Motu' })
      await store.transaction(async ({ queries }) => {
        await queries.insertInto('counters').values({ key: 'before', count: 1 }).execute()
        const twice = (id: string, name: string) =>
          queries
            .insertInto('islands')
            .values({ id, name, tags: [], is_inhabited: true, depth: 0, seq: 0 })
            .execute()
        for (const [id, name, columns] of [
          ['2', 'Motu', ['name']],
          ['1', 'other', ['id']],
        ] as const)
          await assert.rejects(twice(id, name), (error) => {
            assert.ok(UniqueViolation.is(error))
            assert.deepEqual(error.detail, { table: 'islands', columns })
            return true
          })
      })
      assert.equal((await store.read.selectFrom('counters').selectAll().execute()).length, 1)
    },
  )

  fact('on conflict updates or does nothing, for the key that it names', async ({ store, insert }) => {
    await insert('1', { name: 'Motu' })
    await store.transaction(async ({ queries }) => {
      const upsert = (rows: readonly object[]) =>
        queries
          .insertInto('counters')
          .values(rows as never)
          .onConflict((conflict) =>
            conflict.column('key').doUpdateSet((query) => ({
              count: query('counters.count', '+', query.ref('excluded.count') as never),
            })),
          )
          .returningAll()
          .execute()
      await upsert([{ key: 'a', count: 1 }])
      assert.deepEqual(
        await upsert([
          { key: 'a', count: 5 },
          { key: 'b', count: 7 },
        ]),
        [
          { key: 'a', count: 6 },
          { key: 'b', count: 7 },
        ],
      )
      const nothing = queries.insertInto('counters').values([
        { key: 'a', count: 9 },
        { key: 'c', count: 1 },
      ])
      const { numInsertedOrUpdatedRows } = await nothing
        .onConflict((conflict) => conflict.doNothing())
        .executeTakeFirstOrThrow()
      assert.equal(numInsertedOrUpdatedRows, 1n)
      const other = queries
        .insertInto('islands')
        .values({ id: '2', name: 'Motu', tags: [], is_inhabited: true, depth: 0, seq: 0 })
      await assert.rejects(
        other.onConflict((conflict) => conflict.column('id').doNothing()).execute(),
        UniqueViolation.is,
      )
    })
  })

  fact('transactions that read what others write run again until all fit', async ({ store, another }) => {
    const clients = [store, await another()]
    await store.transaction(({ queries }) =>
      queries.insertInto('counters').values({ key: 'a', count: 0 }).execute(),
    )
    await Promise.all(
      Array.from({ length: 40 }, (_, index) =>
        pickOf(clients, index).transaction(async ({ queries }) => {
          const row = await queries
            .selectFrom('counters')
            .select('count')
            .where('key', '=', 'a')
            .executeTakeFirstOrThrow()
          await queries
            .updateTable('counters')
            .set({ count: Number(row.count) + 1 })
            .where('key', '=', 'a')
            .execute()
        }),
      ),
    )
    assert.deepEqual(await store.read.selectFrom('counters').selectAll().execute(), [{ key: 'a', count: 40 }])
  })

  fact('of many clients that spend of one sum, none runs again and again', async ({ store, another }) => {
    const clients = [store, await another(), await another(), await another()]
    await store.transaction(({ queries }) =>
      queries.insertInto('counters').values({ key: 'sum', count: 0 }).execute(),
    )
    const times = 120
    const runs: number[] = Array.from({ length: times }, () => 0)
    await Promise.all(
      runs.map((_, index) =>
        pickOf(clients, index).transaction(async ({ queries, nextNumber, announce }) => {
          runs[index] = (runs[index] ?? 0) + 1
          const rows = await queries
            .selectFrom('counters')
            .selectAll()
            .where('key', 'in', ['sum', 'lent'])
            .execute()
          const sum = { key: 'sum', count: Number(rows[0]?.count) + 1 }
          await queries
            .insertInto('counters')
            .values(sum)
            .onConflict((conflict) =>
              conflict
                .column('key')
                .doUpdateSet((query) => ({ count: query.ref('excluded.count') as never })),
            )
            .execute()
          const [id, seq] = [`${index}`, await nextNumber()]
          const row = { id, name: id, area: null, depth: 1, tags: [], is_inhabited: true, seq }
          await queries.insertInto('islands').values(row).execute()
          announce([{ table: 'islands', id }])
        }),
      ),
    )
    const { count } = await store.read
      .selectFrom('counters')
      .select('count')
      .where('key', '=', 'sum')
      .executeTakeFirstOrThrow()
    assert.equal(count, times)
    const all = runs.reduce((total, each) => total + each, 0)
    assert.ok(Math.max(...runs) <= 8, `one ran ${Math.max(...runs)} times`)
    assert.ok(all <= 3 * times, `${times} transactions ran ${all} times`)
  })

  fact(
    'two that each look where the other writes are not both done on what they saw',
    async ({ store, another }) => {
      const other = await another()
      await store.transaction(({ queries }) =>
        queries
          .insertInto('counters')
          .values([
            { key: 'a', count: 1 },
            { key: 'b', count: 1 },
          ])
          .execute(),
      )
      const takeOne = (client: Store, key: string) =>
        client.transaction(async ({ queries }) => {
          const rows = await queries.selectFrom('counters').select('count').execute()
          const left = rows.reduce((sum, { count }) => sum + Number(count), 0)
          if (left < 2) return
          await queries.updateTable('counters').set({ count: 0 }).where('key', '=', key).execute()
        })
      await Promise.all([takeOne(store, 'a'), takeOne(other, 'b')])
      const rows = await store.read.selectFrom('counters').select('count').execute()
      assert.equal(
        rows.reduce((sum, { count }) => sum + Number(count), 0),
        1,
      )
    },
  )
}

export function sharedFacts(fact: Fact): void {
  fact(
    'numbers rise in the order of commits, and whoever knows the head sees all up to it',
    async ({ store, another, insert }) => {
      const other = await another()
      const start = await store.headNumber()
      await insert('first')
      let isWriting = true
      const writing = Promise.all(
        Array.from({ length: 40 }, (_, index) => addIsland(index % 2 ? store : other, `${index}`)),
      ).then(() => {
        isWriting = false
      })
      for (let isLast = false; !isLast; ) {
        isLast = !isWriting
        const head = await other.headNumber()
        const before = await store.read.selectFrom('islands').select('seq').where('seq', '<=', head).execute()
        const later = await store.read.selectFrom('islands').select('seq').where('seq', '<=', head).execute()
        assert.deepEqual(before.length, later.length, `a write numbered up to ${head} came after it`)
      }
      await writing
      const rows = await store.read.selectFrom('islands').select('seq').orderBy('seq').execute()
      const numbers = rows.map(({ seq }) => Number(seq))
      assert.equal(new Set(numbers).size, 41)
      assert.ok(numbers.every((number) => number > start && number < start + 200))
      assert.equal(numbers.at(-1), await store.headNumber())
    },
  )

  fact('a transaction sees its provisional number, and takes back what failed', async ({ store }) => {
    const head = await store.headNumber()
    await assert.rejects(
      store.transaction(async ({ queries, nextNumber }) => {
        const seq = await nextNumber()
        await queries
          .insertInto('islands')
          .values({ id: '1', name: 'x', tags: [], is_inhabited: true, depth: 0, seq })
          .execute()
        const row = await queries
          .selectFrom('islands')
          .select('seq')
          .where('seq', '>', head)
          .executeTakeFirst()
        assert.equal(row?.seq, seq)
        throw new Error('changed my mind')
      }),
      /changed my mind/,
    )
    assert.deepEqual(await store.read.selectFrom('islands').selectAll().execute(), [])
  })

  fact('others hear of a commit, and its own peer does not', async ({ store, another }) => {
    const other = await another()
    const heard: Change[] = []
    store.onForeignCommit(() => assert.fail('told of its own commit'))
    const first = new Promise<void>((resolve) => {
      other.onForeignCommit((changes) => {
        heard.push(...changes)
        if (heard.some(({ id }) => id === 'last')) resolve()
      })
    })
    // Nobody says when a listener has begun to look, so some commits may come before.
    let isHeard = false
    void first.then(() => {
      isHeard = true
    })
    for (let count = 0; !isHeard && count < 500; count++) {
      await store.transaction(async ({ queries, announce }) => {
        await queries
          .insertInto('counters')
          .values({ key: `${count}`, count })
          .execute()
        announce([{ table: 'counters', id: 'last' }])
      })
    }
    await first
  })

  fact(
    'a column and an index that come later are made, with the fallback in old rows',
    async ({ store, insert }) => {
      await insert('1')
      const suffix = `_${Date.now() % 1_000_000}`
      const columns: Columns = {
        ...islands.columns,
        [`coconuts${suffix}`]: integer(7),
        [`motto${suffix}`]: text("it's \\"),
      }
      const wider = defineTable('islands', columns, {
        primaryKey: ['id'],
        indexes: [['area'], [`coconuts${suffix}`], ['name', `motto${suffix}`]],
        unique: [['name']],
      })
      await Promise.all([store.ensureTables([wider]), store.ensureTables([wider])])
      const row = await store.read.selectFrom('islands').selectAll().executeTakeFirst()
      assert.deepEqual([row?.[`coconuts${suffix}`], row?.[`motto${suffix}`]], [7, "it's \\"])
    },
  )
}
