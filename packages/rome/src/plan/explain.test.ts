import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { OperationNodeSource } from 'kysely'
import { catalogueOf } from '../schema/catalogue.ts'
import { integer, text } from '../schema/column.ts'
import { defineTable } from '../schema/define-table.ts'
import { localQueries } from '../testing/local-queries.ts'
import { WholeWorkspace } from '../testing/whole-workspace.ts'
import { explain } from './explain.ts'

const networks = defineTable(
  'networks',
  { id: text(), name: text() },
  { primaryKey: ['id'], unique: [['name']] },
)
const ports = defineTable(
  'ports',
  { id: text(), network_id: text(), project_id: text(), created_at: integer(), state: text() },
  { primaryKey: ['id'], indexes: [['network_id'], ['project_id', 'created_at']] },
)
const tables = [networks, ports]
const queries = localQueries({ catalogue: catalogueOf(tables), workspace: new WholeWorkspace() })
const plan = (query: OperationNodeSource) => explain(query, tables).split('\n')
const all = queries.selectFrom('ports').selectAll()

test('a key names its row', () => {
  assert.deepEqual(plan(all.where('id', '=', 'a')), ['read ports by its key: id'])
  assert.deepEqual(plan(all.where('id', 'in', ['a', 'b'])), ['read ports by its key: id (several)'])
})

test('an equality and a range go through an index, in its order, and nothing is sorted', () => {
  const query = all
    .where('project_id', '=', 'p')
    .where('created_at', '>', 5)
    .orderBy('created_at', 'desc')
    .limit(10)
  assert.deepEqual(plan(query), [
    'read ports by ports(project_id,created_at): project_id, a range of created_at, backwards',
    'end after ?',
  ])
})

test('a page after a marker begins where the last one ended', () => {
  const query = all
    .where('project_id', '=', 'p')
    .where((eb) => eb.or([eb('created_at', '>', 5), eb.and([eb('created_at', 'is', 5), eb('id', '>', 'm')])]))
    .orderBy('created_at')
    .orderBy('id')
    .limit(10)
  assert.equal(
    plan(query)[0],
    'read ports by ports(project_id,created_at): project_id, a range of created_at',
  )
  assert.ok(!plan(query).some((line) => line.startsWith('sort')))
})

test('alternatives with an index each are read one by one', () => {
  const query = all.where((eb) => eb.or([eb('network_id', '=', 'n'), eb('project_id', '=', 'p')]))
  assert.equal(
    plan(query)[0],
    'read ports by any of: by ports(network_id): network_id; by ports(project_id,created_at): project_id',
  )
})

test('a join begins where the fewest rows are, and looks up the others in batches', () => {
  const query = queries
    .selectFrom('ports')
    .innerJoin('networks', 'networks.id', 'ports.network_id')
    .select('ports.id')
    .where('networks.name', '=', 'lan')
  assert.deepEqual(plan(query), [
    'read networks by networks(name): name',
    'join ports by ports(network_id): network_id, the look-ups of a batch together',
  ])
})

test('what no index serves is a look at everything', () => {
  assert.deepEqual(plan(all.where('state', '=', 'down').orderBy('state')), [
    'read ports whole',
    '  where "state" = ?',
    'sort by "state"',
  ])
})

test('writes say which rows they find, and how', () => {
  assert.deepEqual(plan(queries.updateTable('ports').set({ state: 'up' }).where('id', '=', 'a')), [
    'read ports by its key: id',
    'update ports',
  ])
})
