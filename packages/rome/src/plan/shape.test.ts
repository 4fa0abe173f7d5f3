import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { OperationNodeSource, RootOperationNode } from 'kysely'
import { catalogueOf } from '../schema/catalogue.ts'
import { integer, text } from '../schema/column.ts'
import { defineTable } from '../schema/define-table.ts'
import { localQueries } from '../testing/local-queries.ts'
import { WholeWorkspace } from '../testing/whole-workspace.ts'
import { planQuery } from './plan-query.ts'
import { shapeOf } from './shape.ts'

const boats = defineTable(
  'boats',
  { id: text(), length: integer() },
  { primaryKey: ['id'], indexes: [['length']] },
)
const catalogue = catalogueOf([boats])
const queries = localQueries({ catalogue, workspace: new WholeWorkspace() })
const all = queries.selectFrom('boats').selectAll()
const nodeOf = (query: OperationNodeSource) => query.toOperationNode() as RootOperationNode
const keyOf = (query: OperationNodeSource) => shapeOf(nodeOf(query)).key

test('values are no part of a shape, unless the plan depends on them', () => {
  assert.equal(keyOf(all.where('id', '=', 'a')), keyOf(all.where('id', '=', 'b')))
  assert.equal(keyOf(all.where('id', 'in', ['a'])), keyOf(all.where('id', 'in', ['b', 'c'])))
  assert.equal(keyOf(all.limit(1)), keyOf(all.limit(2)))
  assert.notEqual(keyOf(all.where('id', '=', 'a')), keyOf(all.where('id', '=', 1)))
  assert.notEqual(keyOf(all.where('id', 'is not', null)), keyOf(all.where('id', 'is not', 'a')))
  assert.notEqual(keyOf(all.where('id', 'in', [])), keyOf(all.where('id', 'in', ['a'])))
  assert.notEqual(keyOf(all.where('id', 'like', 'a%')), keyOf(all.where('id', 'like', '%a')))
  assert.notEqual(keyOf(all.orderBy('id')), keyOf(all.orderBy('id', 'desc')))
})

test('queries of one shape share one plan, each with its own values', () => {
  const first = planQuery(nodeOf(all.where('id', '=', 'a').where('length', '>', 1)), catalogue)
  const second = planQuery(nodeOf(all.where('id', '=', 'b').where('length', '>', 2)), catalogue)
  assert.equal(first.plan, second.plan)
  assert.deepEqual(
    [first.parameters, second.parameters],
    [
      ['a', 1],
      ['b', 2],
    ],
  )
})

test('a query that has one value in two places leaves its plan to nobody', async () => {
  await queries
    .insertInto('boats')
    .values(['a', 'b', 'c'].map((id, length) => ({ id, length })))
    .execute()
  const ids = async (query: { execute(): Promise<{ id?: unknown }[]> }) =>
    (await query.execute()).map(({ id }) => id)
  const repeated = all.where((eb) => {
    const isOne = eb('length', '=', 1)
    return eb.or([isOne, isOne])
  })
  assert.deepEqual(await ids(repeated), ['b'])
  const either = all.where((eb) => eb.or([eb('length', '=', 0), eb('length', '=', 2)]))
  assert.deepEqual(await ids(either), ['a', 'c'])
})
