import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { OperationNodeSource, RootOperationNode } from 'kysely'
import { catalogueOf } from '../schema/catalogue.ts'
import { integer, text } from '../schema/column.ts'
import { defineTable } from '../schema/define-table.ts'
import { localQueries } from '../testing/local-queries.ts'
import { ForgetfulWorkspace, WholeWorkspace } from '../testing/whole-workspace.ts'
import { executeQuery } from './execute-query.ts'

const networks = defineTable(
  'networks',
  { id: text(), name: text() },
  { primaryKey: ['id'], unique: [['name']] },
)
const ports = defineTable(
  'ports',
  { id: text(), network_id: text(), number: integer() },
  { primaryKey: ['id'], indexes: [['network_id', 'number']] },
)
const catalogue = catalogueOf([networks, ports])
const whole = new WholeWorkspace()
const queries = localQueries({ catalogue, workspace: whole })

/** How many times a plan of which nothing is at hand asks the store, and what it answers. */
function run(query: OperationNodeSource): { rows: readonly unknown[]; roundTrips: number } {
  const { result, roundTrips } = new ForgetfulWorkspace(whole).run((workspace) =>
    executeQuery(query.toOperationNode() as RootOperationNode, catalogue, workspace),
  )
  return { rows: result.rows, roundTrips }
}

test.before(async () => {
  const ids = Array.from({ length: 40 }, (_, at) => `n${String(at).padStart(2, '0')}`)
  await queries
    .insertInto('networks')
    .values(ids.map((id) => ({ id, name: `name of ${id}` })))
    .execute()
  const rows = Array.from({ length: 400 }, (_, at) => ({
    id: `p${at}`,
    network_id: ids[at % 40],
    number: at,
  }))
  await queries.insertInto('ports').values(rows).execute()
})

test('a join of a table with forty others takes one round trip for each table', () => {
  const query = queries
    .selectFrom('networks')
    .innerJoin('ports', 'ports.network_id', 'networks.id')
    .select(['networks.name', 'ports.number'])
    .where('networks.id', '>', 'n0')
  const { rows, roundTrips } = run(query)
  assert.deepEqual([rows.length, roundTrips], [400, 2])
})

test('a sub-select for each row is looked up for all rows together', () => {
  const query = queries
    .selectFrom('networks')
    .select('id')
    .where(({ exists, selectFrom }) =>
      exists(
        selectFrom('ports')
          .select('ports.id')
          .whereRef('ports.network_id', '=', 'networks.id')
          .where('number', '>', 390),
      ),
    )
  const { rows, roundTrips } = run(query)
  assert.deepEqual([rows.length, roundTrips], [9, 2])
})

test('many keys are one round trip, and an insert looks at all its keys at once', () => {
  const many = queries.selectFrom('ports').selectAll().where('id', 'in', ['p1', 'p2', 'p3', 'nothing'])
  assert.deepEqual([run(many).rows.length, run(many).roundTrips], [3, 1])
  const insert = queries.insertInto('networks').values([
    { id: 'x1', name: 'x1' },
    { id: 'x2', name: 'x2' },
  ])
  assert.equal(run(insert).roundTrips, 1)
})

test('a limit brings no more than it needs', () => {
  const asked: number[] = []
  const query = queries
    .selectFrom('ports')
    .selectAll()
    .where('network_id', '=', 'n01')
    .orderBy('number')
    .limit(3)
  const spied = Object.assign(Object.create(whole) as WholeWorkspace, {
    ranges: (requests: Parameters<WholeWorkspace['ranges']>[0]) => {
      asked.push(...requests.map(({ limit }) => limit))
      return whole.ranges(requests)
    },
  })
  assert.equal(executeQuery(query.toOperationNode(), catalogue, spied).rows.length, 3)
  assert.deepEqual(asked, [3])
})
