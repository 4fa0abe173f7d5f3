import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { siteCodeOf } from '@atoll/kit'
import { text } from '@atoll/rome'
import { defineRecord, type RecordTable } from './define-record.ts'
import { openTestState } from './open-test-state.ts'
import type { Move, Trust } from './ownership.ts'
import { cloudScope } from './scope.ts'
import type { State } from './state.ts'

const boats = defineRecord('boats', { name: text() }, { followsUse: () => true })
const anchors = defineRecord('anchors', { name: text() })
const charts = defineRecord(
  'charts',
  { name: text(), domain_id: text() },
  { authority: (row) => row.domain_id },
)
const piers = defineRecord('piers', { name: text() }, { ids: 'given', soleHome: (row) => row.name })
const all = cloudScope('test')

const codes: Readonly<Record<string, number>> = { lost: 1, west: 2, north: 3, south: 4 }

/** Who inherits from whom, as everybody here believes; tests change it. */
class Beliefs {
  heirs: Readonly<Record<string, readonly string[]>>

  constructor(heirs: Readonly<Record<string, readonly string[]>>) {
    this.heirs = heirs
  }

  readonly trust: Trust = {
    hasAuthority: async (domainId, site) => domainId.includes(site),
    mayName: async (site, { id }) => siteCodeOf(id) === codes[site],
    readMove: async (signed) => {
      const [signer = '', json = ''] = signed.split('|')
      const move = JSON.parse(json) as Move
      return (move.by ?? move.from) === signer ? move : undefined
    },
    heirsOf: async (site) => this.heirs[site] ?? [],
  }
}

/** Signatures of this test: the name of whoever signed, before what was signed. */
const signBy = (site: string) => (move: Move) => `${site}|${JSON.stringify(move)}`

async function cloud(t: TestContext, heirs: Readonly<Record<string, readonly string[]>>) {
  const open = (name: string) =>
    openTestState({
      records: [boats, anchors, charts, piers],
      site: { name, code: codes[name] ?? 0 },
      after: (cleanUp) => t.after(cleanUp),
    })
  const beliefs = new Beliefs(heirs)
  const [lost, west, north, south] = [
    await open('lost'),
    await open('west'),
    await open('north'),
    await open('south'),
  ]
  return { beliefs, lost, west, north, south, ...exchanges(beliefs) }
}

function exchanges({ trust }: Beliefs) {
  return {
    follow: async (follower: State, home: State) => {
      const after = await follower.feed.cursor(home.site.name)
      return follower.feed.apply(
        await home.feed.read({ home: home.site.name, after, limit: 100, follower: follower.site.name }),
        trust,
      )
    },
    adopt: (state: State, table: unknown, id: string, path: readonly string[] = ['lost', state.site.name]) =>
      state.transaction((transaction) =>
        transaction.adopt(table as RecordTable, id, { path, sign: signBy(state.site.name), trust }),
      ),
    send: (to: State, home: string, table: string, row: object) =>
      to.feed.apply({ home, after: 0, upTo: 0, entries: [{ table, row: { seq: 1, ...row, home } }] }, trust),
    give: async (id: string, from: State, to: State) => {
      const sign = signBy(from.site.name)
      const row = await from.transaction((transaction) =>
        transaction.handOver(boats, id, { to: to.site.name, sign }),
      )
      return to.transaction((transaction) => transaction.takeOver(boats, row, trust))
    },
  }
}

const insert = (state: State, name = 'a') =>
  state.transaction((transaction) => transaction.insert(boats, { name }))

const whereIs = async (state: State, id: string) => {
  const row = await state.find(all, boats, id)
  return row && { home: row.home, generation: row.generation, name: row.name }
}

test('an heir takes over what a lost site kept, of every table, and everybody follows', async (t) => {
  const { lost, west, north, south, follow, adopt, send } = await cloud(t, { lost: ['west'] })
  const boat = await insert(lost)
  const anchor = await lost.transaction((transaction) => transaction.insert(anchors, { name: 'b' }))
  for (const site of [west, north]) await follow(site, lost)
  assert.equal((await adopt(west, boats, boat.id))?.home, 'west')
  assert.equal((await adopt(west, anchors, anchor.id))?.generation, 2)
  assert.equal(await adopt(west, boats, boat.id), undefined, 'it is done already')
  await west.transaction((transaction) => transaction.update(anchors, anchor.id, { name: 'c' }))
  // South has never heard of the lost site's records.
  for (const site of [north, south]) {
    assert.deepEqual((await follow(site, west)).refused, [])
    assert.deepEqual(await whereIs(site, boat.id), { home: 'west', generation: 2, name: 'a' })
    assert.equal((await site.find(all, anchors, anchor.id))?.name, 'c')
    // What the lost site wrote later than its heir had heard is fenced.
    assert.equal((await send(site, 'lost', 'boats', { ...boat, seq: 99, name: 'late' })).applied, 0)
  }
})

test('nobody takes over from a site that is not lost, nor for somebody else', async (t) => {
  const { beliefs, lost, west, north, follow, adopt, send } = await cloud(t, {})
  const boat = await insert(lost)
  for (const site of [west, north]) await follow(site, lost)
  assert.equal(await adopt(west, boats, boat.id), undefined)
  const forced = (to: string, by: string, signer = by, changes: object = {}) => ({
    ...boat,
    generation: 2,
    moves: [signBy(signer)({ table: 'boats', id: boat.id, from: 'lost', to, generation: 2, by, ...changes })],
  })
  assert.equal((await send(north, 'west', 'boats', forced('west', 'west'))).refused.length, 1)
  beliefs.heirs = { lost: ['south'] }
  const forgeries = {
    'not the heir': forced('west', 'west'),
    'the heir itself has not signed': forced('west', 'south', 'west'),
    'in the name of the heir, for another': forced('west', 'south'),
    'signed by somebody who inherits nothing': forced('south', 'west'),
    'of another record': forced('south', 'south', 'south', { id: 'another' }),
    'of another generation': forced('south', 'south', 'south', { generation: 3 }),
  }
  for (const [what, row] of Object.entries(forgeries)) {
    for (const sender of ['west', 'south']) {
      if (sender === 'south' && what === 'not the heir') continue
      assert.equal((await send(north, sender, 'boats', row)).refused.length, 1, `${what}, sent by ${sender}`)
    }
  }
  assert.equal((await send(north, 'south', 'boats', forced('south', 'south'))).applied, 1)
})

test('an heir takes nothing of a domain that does not trust it, and nothing that only the lost site could say', async (t) => {
  const { lost, west, north, follow, adopt, send } = await cloud(t, { lost: ['west'] })
  const chart = (domain_id: string) =>
    lost.transaction((transaction) => transaction.insert(charts, { name: 'c', domain_id }))
  const [trusting, other] = [await chart('lost west'), await chart('lost north')]
  const pier = await lost.transaction((transaction) => transaction.insert(piers, { name: 'lost' }))
  for (const site of [west, north]) await follow(site, lost)
  assert.equal((await adopt(west, charts, trusting.id))?.home, 'west')
  assert.equal(await adopt(west, charts, other.id), undefined)
  assert.equal(await adopt(west, piers, pier.id), undefined)
  const move = { from: 'lost', to: 'west', generation: 2, by: 'west' }
  for (const [table, row] of [
    ['charts', other],
    ['piers', pier],
  ] as const) {
    const moves = [signBy('west')({ table, id: row.id, ...move })]
    assert.equal((await send(north, 'west', table, { ...row, generation: 2, moves })).refused.length, 1)
  }
})

test('of two heirs that took the same record one counts, whoever is heard first, and whatever followed', async (t) => {
  const { lost, west, north, south, follow, adopt, give } = await cloud(t, { lost: ['west', 'north'] })
  const [boat, other] = [await insert(lost), await insert(lost, 'b')]
  for (const site of [west, north]) await follow(site, lost)
  await adopt(west, boats, boat.id)
  await adopt(north, boats, boat.id)
  await adopt(north, boats, other.id)
  await north.transaction((transaction) => transaction.update(boats, boat.id, { name: 'lesser' }))
  await follow(south, north)
  assert.equal((await whereIs(south, boat.id))?.name, 'lesser')
  // A later generation of the history that does not count is no later.
  await give(boat.id, north, south)
  for (const [follower, home] of [
    [south, west],
    [north, west],
    [west, north],
    [west, south],
    [north, south],
  ] as const)
    assert.deepEqual((await follow(follower, home)).refused, [])
  for (const site of [west, north, south])
    assert.deepEqual(await whereIs(site, boat.id), { home: 'west', generation: 2, name: 'a' })
  assert.equal((await whereIs(west, other.id))?.home, 'north', 'what one heir alone had is kept')
})

test('what the lost site had given away counts before what its heir takes', async (t) => {
  const { lost, west, north, south, follow, adopt, give } = await cloud(t, { lost: ['west'] })
  const boat = await insert(lost)
  await follow(west, lost)
  assert.equal(await give(boat.id, lost, north), true)
  await adopt(west, boats, boat.id)
  await west.transaction((transaction) => transaction.update(boats, boat.id, { name: 'older' }))
  for (const [follower, home] of [
    [south, west],
    [north, west],
    [west, north],
    [south, north],
  ] as const)
    assert.deepEqual((await follow(follower, home)).refused, [])
  for (const site of [west, north, south])
    assert.deepEqual(await whereIs(site, boat.id), { home: 'north', generation: 2, name: 'a' })
})

test('an heir that is lost too is followed by its own, for what it took and what it did not', async (t) => {
  const { beliefs, lost, west, north, south, follow, adopt } = await cloud(t, { lost: ['west'] })
  const [taken, left] = [await insert(lost), await insert(lost, 'b')]
  for (const site of [west, north, south]) await follow(site, lost)
  await adopt(west, boats, taken.id)
  // South hears what north does not.
  await follow(south, west)
  beliefs.heirs = { lost: ['west'], west: ['north'] }
  assert.equal(
    await adopt(north, boats, left.id, ['lost', 'north']),
    undefined,
    'it is the heir of west only',
  )
  for (const { id } of [taken, left])
    assert.equal((await adopt(north, boats, id, ['lost', 'west', 'north']))?.generation, 3)
  assert.deepEqual((await follow(south, north)).refused, [])
  for (const { id } of [taken, left]) assert.equal((await whereIs(south, id))?.home, 'north')
  assert.equal((await follow(north, west)).applied, 0)
})

test('what a site alone could say is dropped when it is lost', async (t) => {
  const { lost, west, follow } = await cloud(t, {})
  for (let count = 0; count < 3; count++)
    await lost.transaction((transaction) => transaction.insert(piers, { id: `pier ${count}`, name: 'lost' }))
  await follow(west, lost)
  const told: string[] = []
  west.onCommit((changes) => told.push(...changes.map(({ id }) => id)))
  const table = piers as unknown as RecordTable
  assert.deepEqual(
    [await west.feed.forget('lost', table, 2), await west.feed.forget('lost', table, 2)],
    [2, 1],
  )
  assert.deepEqual([await west.select(all, piers).selectAll().execute(), told.length], [[], 3])
})
