import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { siteCodeOf } from '@atoll/kit'
import { integer, text } from '@atoll/rome'
import { defineRecord } from './define-record.ts'
import { MovedTooOften, NotHome } from './errors.ts'
import { openTestState, trustEverybody } from './open-test-state.ts'
import { MOVES_MAX, type Move, type Trust } from './ownership.ts'
import { cloudScope } from './scope.ts'
import type { State } from './state.ts'

const boats = defineRecord('boats', { name: text() }, { followsUse: () => true })
const anchors = defineRecord('anchors', { name: text() })
const charts = defineRecord(
  'charts',
  { name: text(), domain_id: text() },
  { authority: (row) => row.domain_id },
)
const flags = defineRecord('flags', { colour: text() }, { ids: 'given', unique: [['colour']] })
const piers = defineRecord(
  'piers',
  { depth: integer() },
  { audience: 'everyone', soleHome: (row) => row.id, ids: 'given' },
)
const all = cloudScope('test')

const codes: Readonly<Record<string, number>> = { east: 1, west: 2, north: 3 }

/** Who inherits from whom, first come first; to be changed by tests. */
type Heirs = Record<string, readonly string[]>

/** Signatures of this test: the name of whoever signed, before what was signed. */
const signBy = (site: string) => (move: Move) => `${site} ${JSON.stringify(move)}`

const trustWith = (heirs: Heirs): Trust => ({
  hasAuthority: async (domainId, site) => domainId === `trusts ${site}`,
  mayName: async (site, { id, ids }) =>
    siteCodeOf(id) === codes[site] || (ids === 'given' && site === 'east'),
  readMove: async (signed) => {
    const space = signed.indexOf(' ')
    const move = JSON.parse(signed.slice(space)) as Move
    return (move.by ?? move.from) === signed.slice(0, space) ? move : undefined
  },
  heirsOf: async (site) => heirs[site] ?? [],
})
const trust = trustWith({})

const openSite = (t: TestContext, name: string) =>
  openTestState({
    records: [boats, anchors, charts, flags, piers],
    site: { name, code: codes[name] ?? 0 },
    after: (cleanUp) => t.after(cleanUp),
  })

async function openSites(t: TestContext) {
  return [await openSite(t, 'east'), await openSite(t, 'west'), await openSite(t, 'north')] as const
}

const send = (to: State, home: string, table: string, row: object) =>
  to.feed.apply({ home, after: 0, upTo: 0, entries: [{ table, row: { seq: 1, ...row, home } }] }, trust)

async function follow(follower: State, home: State) {
  const after = await follower.feed.cursor(home.site.name)
  const page = await home.feed.read({ home: home.site.name, follower: follower.site.name, after, limit: 100 })
  return follower.feed.apply(page, trust)
}

const makeBoat = (state: State) =>
  state.transaction((transaction) => transaction.insert(boats, { name: 'a' }))

/** The whole handshake between two sites. */
async function move(id: string, from: State, to: State) {
  const sign = signBy(from.site.name)
  const row = await from.transaction((transaction) =>
    transaction.handOver(boats, id, { to: to.site.name, sign }),
  )
  assert.equal(await to.transaction((transaction) => transaction.takeOver(boats, row, trust)), true)
  return row
}

test('a row cannot be replaced in the name of another domain', async (t) => {
  const [east, west] = await openSites(t)
  const chart = await east.transaction((transaction) =>
    transaction.insert(charts, { name: 'good', domain_id: 'trusts east' }),
  )
  await follow(west, east)
  const stolen = { ...chart, name: 'bad', domain_id: 'trusts north', generation: 2 }
  assert.equal((await send(west, 'north', 'charts', stolen)).refused.length, 1)
  assert.equal((await send(west, 'east', 'charts', { ...stolen, generation: 1, seq: 9 })).refused.length, 1)
  assert.equal((await west.find(all, charts, chart.id))?.name, 'good')
})

test('what a site says of itself cannot be said by another, nor turned into another site', async (t) => {
  const [, west] = await openSites(t)
  assert.equal((await send(west, 'east', 'piers', { id: 'east', generation: 1, depth: 3 })).applied, 1)
  assert.equal(
    (await send(west, 'north', 'piers', { id: 'east', generation: 2, depth: 0 })).refused.length,
    1,
  )
  assert.equal(
    (await send(west, 'north', 'piers', { id: 'west', generation: 1, depth: 0 })).refused.length,
    1,
  )
})

test('a home moves with a new generation, and the old one refuses to write', async (t) => {
  const [east, west] = await openSites(t)
  const boat = await makeBoat(east)
  const row = await move(boat.id, east, west)
  const again = await east.transaction((transaction) =>
    transaction.handOver(boats, boat.id, { to: 'west', sign: signBy('another signature') }),
  )
  assert.deepEqual(again, row)
  await assert.rejects(
    east.transaction((transaction) => transaction.update(boats, boat.id, { name: 'late' })),
    NotHome.is,
  )
  await west.transaction((transaction) => transaction.update(boats, boat.id, { name: 'b' }))
  await follow(east, west)
  const replica = await east.find(all, boats, boat.id)
  assert.deepEqual([replica?.name, replica?.home, replica?.generation], ['b', 'west', 2])
  assert.equal(await west.transaction((transaction) => transaction.takeOver(boats, row, trust)), true)
  assert.equal((await west.find(all, boats, boat.id))?.name, 'b')
})

test('a record that was given away is followed by those who knew it and those who did not', async (t) => {
  const [east, west, north] = await openSites(t)
  const boat = await makeBoat(east)
  await follow(north, east)
  const stranger = await openTestState({
    records: [boats],
    site: { name: 'south', code: 4 },
    after: (cleanUp) => t.after(cleanUp),
  })
  await move(boat.id, east, west)
  await move(boat.id, west, east)
  await follow(west, east)
  await move(boat.id, east, west)
  for (const site of [north, stranger]) {
    assert.deepEqual((await follow(site, west)).refused, [])
    const replica = await site.find(all, boats, boat.id)
    assert.deepEqual([replica?.home, replica?.generation], ['west', 4])
  }
  assert.equal((await send(north, 'east', 'boats', { ...boat, seq: 99, name: 'late' })).applied, 0)
})

test('a record is not stolen with a higher generation, whatever proof is made up', async (t) => {
  const [east, west] = await openSites(t)
  const boat = await makeBoat(east)
  await follow(west, east)
  const stranger = await openSite(t, 'west')
  const link = (from: string, to: string, generation: number, signer = from, id = boat.id) =>
    signBy(signer)({ table: 'boats', id, from, to, generation })
  const proofs: Readonly<Record<string, readonly string[]>> = {
    'no proof': [],
    'signed by the thief': [link('east', 'north', 2, 'north')],
    'given by somebody else': [link('west', 'north', 2)],
    'given to somebody else': [link('east', 'west', 2)],
    'of another record': [link('east', 'north', 2, 'east', 'another')],
    'of another generation': [link('east', 'north', 3)],
    'with a move too many': [link('north', 'north', 2), link('north', 'north', 3)],
  }
  for (const [what, moves] of Object.entries(proofs)) {
    for (const site of [west, stranger]) {
      const row = { ...boat, generation: 2, moves }
      assert.equal((await send(site, 'north', 'boats', row)).refused.length, 1, what)
    }
  }
  const good = { ...boat, generation: 2, moves: [link('east', 'north', 2)] }
  assert.equal((await send(west, 'north', 'boats', good)).applied, 1)
})

test('a table whose records do not follow their use has no moving homes', async (t) => {
  const [east, west] = await openSites(t)
  const anchor = await east.transaction((transaction) => transaction.insert(anchors, { name: 'a' }))
  await follow(west, east)
  const given = { table: 'anchors', id: anchor.id, from: 'east', to: 'north', generation: 2 }
  const row = { ...anchor, generation: 2, moves: [signBy('east')(given)] }
  assert.equal((await send(west, 'north', 'anchors', row)).refused.length, 1)
})

test('a site takes over only what was given to it', async (t) => {
  const [east, west] = await openSites(t)
  const boat = await makeBoat(east)
  const given: Move = { table: 'boats', id: boat.id, from: 'east', to: 'west', generation: 2 }
  const take = (signer: string) =>
    west.transaction((transaction) =>
      transaction.takeOver(
        boats,
        { ...boat, home: 'west', generation: 2, moves: [signBy(signer)(given)], sails: 3 },
        trust,
      ),
    )
  assert.equal(await take('north'), false)
  assert.equal(await west.find(all, boats, boat.id), undefined)
  assert.equal(await take('east'), true)
  assert.deepEqual((await west.find(all, boats, boat.id))?.unknown_columns, { sails: 3 })
})

test('the proof of where a record went is bounded: beyond that it stays where it is', async (t) => {
  const [east, west] = await openSites(t)
  const boat = await makeBoat(east)
  const [sites, sign] = [[east, west] as const, signBy('any')]
  for (let moves = 0; moves < MOVES_MAX; moves++) {
    const [from, to] = moves % 2 === 0 ? sites : ([west, east] as const)
    await move(boat.id, from, to)
  }
  await assert.rejects(
    east.transaction((transaction) => transaction.handOver(boats, boat.id, { to: 'west', sign })),
    MovedTooOften.is,
  )
})

test('a record counts as made only where its id was minted', async (t) => {
  const [east, west] = await openSites(t)
  const boat = await makeBoat(east)
  const undashed = { ...boat, id: boat.id.replaceAll('-', '') }
  for (const row of [boat, undashed]) {
    assert.equal((await send(west, 'north', 'boats', row)).refused.length, 1)
    assert.equal((await send(west, 'east', 'boats', row)).applied, 1)
  }
  assert.equal((await send(west, 'east', 'boats', { ...boat, id: 'chosen' })).refused.length, 1)
})

test('an id that a client chose counts from where such names are kept', async (t) => {
  const [, west] = await openSites(t)
  const flag = { id: 'chosen', generation: 1, colour: 'red' }
  assert.equal((await send(west, 'north', 'flags', flag)).refused.length, 1)
  assert.equal((await send(west, 'east', 'flags', flag)).applied, 1)
})

test('a replica that contradicts another is refused, and the rest of its page counts', async (t) => {
  const [east, west] = await openSites(t)
  const flag = await east.transaction((transaction) => transaction.insert(flags, { colour: 'red' }))
  await follow(west, east)
  const row = (id: string, colour: string) => ({
    table: 'flags',
    row: { ...flag, id, colour, home: 'east' },
  })
  const page = { home: 'east', after: 1, upTo: 3, entries: [row('one', 'red'), row('two', 'blue')] }
  const { applied, refused } = await west.feed.apply(page, trust)
  assert.deepEqual([applied, refused], [1, [{ table: 'flags', id: 'one' }]])
})

test('a test that trusts everybody believes unsigned moves', async () => {
  const given = { table: 'boats', id: 'x', from: 'east', to: 'west', generation: 2 }
  const reader = {} as Parameters<Trust['readMove']>[1]
  assert.deepEqual(await trustEverybody.readMove(JSON.stringify(given), reader), given)
})
