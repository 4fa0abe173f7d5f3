/** Transactions of one peer. */

import assert from 'node:assert/strict'
import { UniqueViolation } from '../errors.ts'
import { enlarge, idsOf, insert, insertNumbered, type StoreFact } from './store-harness.ts'

export function transactionFacts(fact: StoreFact): void {
  numberFacts(fact)

  fact('a transaction sees its own writes, and others see them when it has ended', async ({ store }) => {
    const inside = await store.transaction(async ({ queries }) => {
      await queries
        .insertInto('islands')
        .values({ id: '1', name: 'Motu', area: 3, seq: 0, tags: ['a'] })
        .execute()
      return queries.selectFrom('islands').select(['id', 'tags']).execute()
    })
    assert.deepEqual(inside, [{ id: '1', tags: ['a'] }])
    assert.deepEqual(await idsOf(store), ['1'])
  })

  fact('a transaction that throws leaves nothing, and its error is the caller’s', async ({ store }) => {
    const failing = store.transaction(async ({ queries }) => {
      await queries
        .insertInto('islands')
        .values({ id: '1', name: 'Motu', area: 3, seq: 0, tags: [] })
        .execute()
      throw new Error('changed my mind')
    })
    await assert.rejects(failing, /changed my mind/)
    assert.deepEqual(await idsOf(store), [])
  })

  fact('one that fails leaves its neighbours of the same moment alone', async ({ store }) => {
    const outcomes = await Promise.allSettled(
      ['1', '2', '3', '4'].map((id) => insert(store, { id, name: id === '3' ? '1' : id, area: 1 })),
    )
    const [first, second, third, fourth] = outcomes
    assert.deepEqual([second?.status, fourth?.status], ['fulfilled', 'fulfilled'])
    const [refused] = [first, third].filter((outcome) => outcome?.status === 'rejected')
    assert.ok(refused?.status === 'rejected' && UniqueViolation.is(refused.reason))
    assert.deepEqual(refused.reason.detail, { table: 'islands', columns: ['name'] })
    assert.equal((await idsOf(store)).length, 3)
  })

  fact(
    'a statement that fails leaves nothing of itself, and the transaction may go on',
    async ({ store }) => {
      await insert(store, { id: '1', name: 'taken', area: 1 })
      await store.transaction(async ({ queries }) => {
        const rows = [
          { id: '2', name: 'free', area: 1, seq: 0, tags: [] },
          { id: '3', name: 'taken', area: 1, seq: 0, tags: [] },
        ]
        await assert.rejects(queries.insertInto('islands').values(rows).execute(), UniqueViolation.is)
        await queries
          .insertInto('islands')
          .values({ id: '4', name: 'four', area: 1, seq: 0, tags: [] })
          .execute()
      })
      assert.deepEqual(await idsOf(store), ['1', '4'])
    },
  )

  fact('many that add to one row at the same time all count', async ({ store }) => {
    await insert(store, { id: '1', name: 'Motu', area: 0 })
    await Promise.all(Array.from({ length: 50 }, () => enlarge(store)))
    const [row] = await store.read.selectFrom('islands').select('area').execute()
    assert.equal(row?.area, 50)
  })

  fact('of many who take the last one, one gets it', async ({ store }) => {
    await insert(store, { id: '1', name: 'Motu', area: 1 })
    const takes = await Promise.allSettled(
      Array.from({ length: 10 }, () =>
        store.transaction(async ({ queries }) => {
          const [row] = await queries.selectFrom('islands').select('area').where('id', '=', '1').execute()
          if (row?.area === 0) throw new Error('none left')
          await queries.updateTable('islands').set({ area: 0 }).where('id', '=', '1').execute()
        }),
      ),
    )
    assert.equal(takes.filter(({ status }) => status === 'fulfilled').length, 1)
  })

  fact('an index holds what rows have now, and no more', async ({ store }) => {
    await insert(
      store,
      { id: '1', name: 'a', area: 1 },
      { id: '2', name: 'b', area: 1 },
      { id: '3', name: 'c', area: 2 },
    )
    await store.transaction(async ({ queries }) => {
      await queries.updateTable('islands').set({ area: 2 }).where('id', '=', '1').execute()
      await queries.deleteFrom('islands').where('id', '=', '3').execute()
    })
    const withArea = async (area: number) => {
      const rows = await store.read
        .selectFrom('islands')
        .select('id')
        .where('area', '=', area)
        .orderBy('id')
        .execute()
      return rows.map(({ id }) => id)
    }
    assert.deepEqual([await withArea(1), await withArea(2)], [['2'], ['1']])
  })

  fact('reads in a session see what it wrote', async ({ store }) => {
    await store.session(async () => {
      assert.deepEqual(await idsOf(store), [])
      await insert(store, { id: '1', name: 'Motu', area: 3 })
      assert.deepEqual(await idsOf(store), ['1'])
    })
  })

  fact('a store that is closed twice is closed', async ({ store }) => {
    await store.close()
    await store.close()
  })
}

function numberFacts(fact: StoreFact): void {
  fact('numbers rise in the order of commits, and the head is the latest', async ({ store }) => {
    const before = await store.headNumber()
    await Promise.all(['a', 'b', 'c'].map((id) => insertNumbered(store, id)))
    await insertNumbered(store, 'd')
    const rows = await store.read.selectFrom('islands').select(['id', 'seq']).orderBy('seq').execute()
    const numbers = rows.map(({ seq }) => Number(seq))
    assert.equal(rows.at(-1)?.id, 'd')
    assert.equal(new Set(numbers).size, 4)
    assert.ok(numbers.every((number) => number > before))
    assert.equal(await store.headNumber(), numbers.at(-1))
  })

  fact('numbers of one transaction rise in the order of its calls', async ({ store }) => {
    await store.transaction(async ({ queries, nextNumber }) => {
      for (const id of ['z', 'y', 'x']) {
        const seq = await nextNumber()
        await queries.insertInto('islands').values({ id, name: id, area: 1, seq, tags: [] }).execute()
      }
    })
    const rows = await store.read.selectFrom('islands').select('id').orderBy('seq').execute()
    assert.deepEqual(
      rows.map(({ id }) => id),
      ['z', 'y', 'x'],
    )
  })

  fact('a number can be read back and compared before its commit', async ({ store }) => {
    await insertNumbered(store, 'a')
    const found = await store.transaction(async ({ queries, nextNumber }) => {
      const seq = await nextNumber()
      await queries.updateTable('islands').set({ seq }).where('id', '=', 'a').execute()
      return queries.selectFrom('islands').select('id').where('seq', '>=', seq).execute()
    })
    assert.deepEqual(found, [{ id: 'a' }])
  })
}
