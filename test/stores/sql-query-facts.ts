/** Values, comparisons, order and `returning`: as the SQLite store answers. */

import assert from 'node:assert/strict'
import type { Fact } from './sql-ocean.ts'

export function valueFacts(fact: Fact): void {
  fact('values come back as they went in, JSON and booleans included', async ({ store, insert }) => {
    const values = {
      name: "O'a\\hu 🏝",
      area: 2 ** 52 - 1,
      depth: 0.1,
      tags: ['é', '"', '\u0000'],
      is_inhabited: false,
    }
    await insert('1', values)
    const row = await store.read.selectFrom('islands').selectAll().executeTakeFirst()
    assert.deepEqual({ ...row, seq: 0 }, { id: '1', ...values, seq: 0 })
  })

  fact('text is compared and ordered by code point, to its last blank', async ({ store, insert }) => {
    for (const id of ['b', 'a', 'B', 'a ', 'é', '🏝', 'z', '_']) await insert(id)
    const rows = await store.read.selectFrom('islands').select('id').orderBy('id').execute()
    assert.deepEqual(
      rows.map(({ id }) => id),
      ['B', '_', 'a', 'a ', 'b', 'z', 'é', '🏝'],
    )
    assert.equal(
      (await store.read.selectFrom('islands').select('id').where('id', '=', 'a').execute()).length,
      1,
    )
  })

  fact('NULL comes first, and last when the order is turned round', async ({ store, insert }) => {
    for (const [id, area] of [
      ['1', 5],
      ['2', null],
      ['3', -1],
    ] as const)
      await insert(id, { area })
    const areas = async (direction: 'asc' | 'desc') =>
      (await store.read.selectFrom('islands').select('area').orderBy('area', direction).execute()).map(
        ({ area }) => area,
      )
    assert.deepEqual(await areas('asc'), [null, -1, 5])
    assert.deepEqual(await areas('desc'), [5, -1, null])
  })

  fact('aggregates and comparisons answer with numbers', async ({ store, insert }) => {
    for (const [id, area] of [
      ['1', 1],
      ['2', 2],
      ['3', 2],
    ] as const)
      await insert(id, { area })
    const { count, avg, sum, max } = store.read.fn
    const row = await store.read
      .selectFrom('islands')
      .select([
        count('id').as('count'),
        avg('area').as('average'),
        sum('area').as('sum'),
        max('id').as('last'),
      ])
      .groupBy('is_inhabited')
      .executeTakeFirst()
    const is = await store.read
      .selectFrom('islands')
      .select((query) => query('id', '=', '2').as('is_two'))
      .orderBy('id')
      .execute()
    assert.deepEqual(is, [{ is_two: 0 }, { is_two: 1 }, { is_two: 0 }])
    assert.deepEqual(row, { count: 3, average: 5 / 3, sum: 5, last: '3' })
  })
}

export function queryFacts(fact: Fact): void {
  const ids = (rows: readonly Record<string, unknown>[]) => rows.map(({ id }) => id)

  fact(
    'like knows % and _, no escape, and takes A to Z alone as equal to a to z',
    async ({ store, insert }) => {
      for (const id of ['Abc', 'abd', 'a%c', 'a\\c', 'éa', 'Éa', 'a.c\nx', '%']) await insert(id)
      const like = async (pattern: string) =>
        ids(
          await store.read
            .selectFrom('islands')
            .select('id')
            .where('id', 'like', pattern)
            .orderBy('id')
            .execute(),
        )
      assert.deepEqual(await like('ab_'), ['Abc', 'abd'])
      assert.deepEqual(await like('a%c%'), ['Abc', 'a%c', 'a.c\nx', 'a\\c'])
      assert.deepEqual(await like('a\\%'), ['a\\c'])
      assert.deepEqual(await like('éA'), ['éa'])
      assert.deepEqual(await like('\\%'), [])
    },
  )

  fact('in () holds for nothing, not in () for everything', async ({ store, insert }) => {
    await insert('1')
    const where = (operator: 'in' | 'not in') =>
      store.read.selectFrom('islands').select('id').where('area', operator, []).execute()
    assert.deepEqual([ids(await where('in')), ids(await where('not in'))], [[], ['1']])
  })

  fact('is compares values and NULL alike', async ({ store, insert }) => {
    await insert('1')
    await insert('2', { area: 4 })
    const is = async (operator: 'is' | 'is not', value: unknown) =>
      ids(
        await store.read
          .selectFrom('islands')
          .select('id')
          .where('area', operator, value as never)
          .execute(),
      )
    assert.deepEqual([await is('is', 4), await is('is not', 4)], [['2'], ['1']])
    assert.deepEqual([await is('is', null), await is('is not', null)], [['1'], ['2']])
  })

  fact('update and delete return rows as they have become, and as they were', async ({ store, insert }) => {
    for (const id of ['1', '2', '3']) await insert(id, { area: 1 })
    await store.transaction(async ({ queries }) => {
      const update = queries.updateTable('islands').set({ area: 2, tags: ['new'] })
      assert.deepEqual(
        await update.where('id', '=', '1').where('area', '=', 1).returning(['id', 'area', 'tags']).execute(),
        [{ id: '1', area: 2, tags: ['new'] }],
      )
      assert.deepEqual(await update.where('id', '=', '1').where('area', '=', 1).returningAll().execute(), [])
      assert.deepEqual(
        new Set(ids(await update.where('area', '=', 1).returning('id').execute())),
        new Set(['2', '3']),
      )
      const deleted = await queries
        .deleteFrom('islands')
        .where('id', '=', '3')
        .returning(['id', 'is_inhabited'])
        .execute()
      assert.deepEqual(deleted, [{ id: '3', is_inhabited: true }])
    })
  })

  fact('an update counts the rows that it met, changed or not', async ({ store, insert }) => {
    await insert('1', { area: 1 })
    await insert('2', { area: 2 })
    const { numUpdatedRows } = await store.transaction(({ queries }) =>
      queries.updateTable('islands').set({ area: 2 }).executeTakeFirst(),
    )
    assert.equal(numUpdatedRows, 2n)
  })
}
