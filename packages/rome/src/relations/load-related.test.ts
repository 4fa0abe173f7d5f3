import assert from 'node:assert/strict'
import { test } from 'node:test'
import { executeQuery } from '../execute/execute-query.ts'
import { catalogueOf } from '../schema/catalogue.ts'
import { integer, text } from '../schema/column.ts'
import { defineTable } from '../schema/define-table.ts'
import { localQueries } from '../testing/local-queries.ts'
import { ForgetfulWorkspace, WholeWorkspace } from '../testing/whole-workspace.ts'
import { loadReferenced, loadReferring } from './load-related.ts'

const networks = defineTable('networks', { id: text(), name: text() }, { primaryKey: ['id'] })
const ports = defineTable(
  'ports',
  { id: text(), network_id: text().nullable(), number: integer() },
  {
    primaryKey: ['id'],
    indexes: [['network_id']],
    references: { network: { columns: ['network_id'], table: networks } },
  },
)

async function filled() {
  const catalogue = catalogueOf([networks, ports])
  const whole = new WholeWorkspace()
  let roundTrips = 0
  let statements = 0
  const queries = localQueries({
    catalogue,
    workspace: whole,
    attempt: (work) => {
      const outcome = new ForgetfulWorkspace(whole).run(work)
      roundTrips += outcome.roundTrips
      statements++
      return outcome.result
    },
  })
  const ids = ['a', 'b', 'c']
  for (const id of ids)
    executeQuery(
      queries.insertInto('networks').values({ id, name: id.toUpperCase() }).toOperationNode(),
      catalogue,
      whole,
    )
  for (let number = 0; number < 90; number++) {
    const network_id = number % 4 === 3 ? null : (ids[number % 4] ?? null)
    const insert = queries.insertInto('ports').values({ id: `p${number}`, network_id, number })
    executeQuery(insert.toOperationNode(), catalogue, whole)
  }
  const counted = () => ({ roundTrips, statements })
  return { queries, counted }
}

test('ninety ports get their networks with one query and one round trip', async () => {
  const { queries, counted } = await filled()
  const rows = await queries.selectFrom('ports').selectAll().orderBy('number').execute()
  const before = counted()
  const found = await loadReferenced(queries, { from: ports, reference: 'network', to: networks, rows })
  assert.deepEqual(
    found.slice(0, 4).map((network) => network?.name),
    ['A', 'B', 'C', undefined],
  )
  assert.equal(counted().statements - before.statements, 1)
  assert.equal(counted().roundTrips - before.roundTrips, 1)
})

test('networks get their ports with one query and one round trip', async () => {
  const { queries, counted } = await filled()
  const rows = [{ id: 'c' }, { id: 'nowhere' }, { id: 'a' }]
  const before = counted()
  const found = await loadReferring(queries, { from: ports, reference: 'network', to: networks, rows })
  assert.deepEqual(
    found.map((members) => members.length),
    [22, 0, 23],
  )
  assert.equal(counted().statements - before.statements, 1)
  assert.equal(counted().roundTrips - before.roundTrips, 1)
})

test('a reference that a table does not have is a mistake', async () => {
  const { queries } = await filled()
  const wrong = loadReferenced(queries, { from: networks, reference: 'network', to: ports, rows: [] })
  await assert.rejects(wrong, /networks has no reference network/)
})
