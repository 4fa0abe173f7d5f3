import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { seededRandom, systemClock } from '@atoll/kit'
import { MemoryDatabase, memoryStore, openRome, type RomeStore, text } from '@atoll/rome'
import { defineRecord } from './define-record.ts'
import { cloudScope } from './scope.ts'
import { State } from './state.ts'

const boats = defineRecord('boats', { name: text() })
const all = cloudScope('test')

async function openPeer(t: TestContext, database: MemoryDatabase, seed: string) {
  const store = openRome({ store: memoryStore({ database }), clock: systemClock, random: seededRandom(seed) })
  t.after(() => store.close())
  const site = { name: 'east', code: 1 }
  const random = seededRandom(`ids of ${seed}`)
  const state = await State.open({ store, site, clock: systemClock, random, records: [boats], locals: [] })
  return { store, state }
}

const roundTrips = ({ statistics }: RomeStore) => statistics.looks + statistics.commits

test('a record with an id that was just drawn costs one round trip, however often the work is run', async (t) => {
  const { store, state } = await openPeer(t, new MemoryDatabase(), 'a')
  await state.transaction((transaction) => transaction.insert(boats, { name: 'first' }))
  await state.select(all, boats).selectAll().execute()
  const before = roundTrips(store)
  const boat = await state.transaction((transaction) => transaction.insert(boats, { name: 'second' }))
  assert.equal(roundTrips(store) - before, 1)
  assert.equal((await state.find(all, boats, boat.id))?.name, 'second')
})

test('peers that share a store number their records in one order, and hear of each other', async (t) => {
  const database = new MemoryDatabase()
  const [a, b] = [await openPeer(t, database, 'a'), await openPeer(t, database, 'b')]
  const heard: string[] = []
  b.state.onCommit((changes) => heard.push(...changes.map(({ id }) => id)))
  const names = Array.from({ length: 20 }, (_, index) => `boat ${index}`)
  const made = await Promise.all(
    names.map((name, index) =>
      (index % 2 ? a : b).state.transaction((transaction) => transaction.insert(boats, { name })),
    ),
  )
  const rows = await a.state.select(all, boats).selectAll().execute()
  assert.deepEqual(
    rows.map(({ seq }) => seq).sort((left, right) => left - right),
    [...new Set(rows.map(({ seq }) => seq))].sort((left, right) => left - right),
  )
  assert.equal(rows.length, 20)
  assert.equal(await b.state.feed.head(), Math.max(...rows.map(({ seq }) => seq)))
  const page = await b.state.feed.read({ home: 'east', follower: 'west', after: 0, limit: 100 })
  assert.equal(page.entries.length, 20)
  assert.ok(made.every(({ id }) => page.entries.some(({ row }) => row.id === id)))
  while (!made.every(({ id }) => heard.includes(id))) await new Promise((resolve) => setImmediate(resolve))
})

test('a peer that was away for too long is told of everything that it may have missed', async (t) => {
  const database = new MemoryDatabase({ entriesMax: 2 })
  const [a, b] = [await openPeer(t, database, 'a'), await openPeer(t, database, 'b')]
  const heard = new Set<string>()
  b.state.onCommit((changes) => {
    for (const { id } of changes) heard.add(id)
  })
  const made: string[] = []
  for (let index = 0; index < 8; index++)
    made.push((await a.state.transaction((transaction) => transaction.insert(boats, { name: 'x' }))).id)
  while (!made.every((id) => heard.has(id))) await new Promise((resolve) => setImmediate(resolve))
})
