import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { mintId, seededRandom } from '@atoll/kit'
import { text } from '@atoll/rome'
import { defineRecord } from './define-record.ts'
import { OutsideSiteScope, ProjectNotHere } from './errors.ts'
import { openTestState, trustEverybody } from './open-test-state.ts'
import type { Move } from './ownership.ts'
import { cloudScope } from './scope.ts'
import {
  ALLOWED_SITES_MAX,
  carriageTo,
  isScopedTo,
  newScope,
  rescoped,
  type SiteNames,
  scopeOfRow,
} from './site-scope.ts'
import type { State } from './state.ts'

const boats = defineRecord('boats', { name: text() }, { followsUse: () => true })
const limits = defineRecord('limits', { name: text() }, { isEverywhere: true })
const all = cloudScope('test')

type Projects = Record<string, SiteNames | null>

/** Sites of one cloud, in which `projects` says where each project's records are kept. */
async function openSites(t: TestContext, projects: Projects) {
  const open = (name: string, code: number) =>
    openTestState({
      records: [boats, limits],
      site: { name, code },
      sitesOfProject: async (_reader, id) => projects[id],
      after: (cleanUp) => t.after(cleanUp),
    })
  return [await open('east', 1), await open('west', 2), await open('north', 3)] as const
}

async function pageFor(follower: State, home: State) {
  const after = await follower.feed.cursor(home.site.name)
  return home.feed.read({ home: home.site.name, follower: follower.site.name, after, limit: 100 })
}

async function follow(follower: State, home: State) {
  const page = await pageFor(follower, home)
  await follower.feed.apply(page, trustEverybody)
  return page
}

const makeBoat = (state: State, project_id: string) =>
  state.transaction((transaction) => transaction.insert(boats, { name: 'secret', project_id }))

/** Says where the records of `p` are kept from now on, and carries that out for one of them. */
async function rescope(
  state: State,
  { projects, id }: { projects: Projects; id: string },
  sites: SiteNames | null,
) {
  projects.p = sites
  return state.transaction((transaction) => transaction.rescope(boats, id))
}

const namesAt = async (state: State) =>
  (await state.selectWithTombstones(all, boats).select('name').execute()).map(({ name }) => name)

test('a scoped record goes to the sites of its project only, and the feed goes on everywhere', async (t) => {
  const [east, west, north] = await openSites(t, { p: ['east', 'west'], free: null })
  await makeBoat(east, 'p')
  await east.transaction((transaction) => transaction.insert(limits, { name: 'l', project_id: 'p' }))
  const open = await makeBoat(east, 'free')
  await follow(west, east)
  const page = await follow(north, east)
  assert.deepEqual(
    page.entries.map(({ table }) => table),
    ['limits', 'boats'],
  )
  assert.deepEqual(page.withdrawals, [])
  assert.equal(await north.feed.cursor('east'), await east.feed.head())
  assert.deepEqual([await namesAt(west), await namesAt(north)], [['secret', 'secret'], ['secret']])
  assert.equal((await north.find(all, boats, open.id))?.project_id, 'free')
})

test('neither a change nor a tombstone of a scoped record goes outside', async (t) => {
  const [east, west, north] = await openSites(t, { p: ['east', 'west'] })
  const boat = await makeBoat(east, 'p')
  await east.transaction((transaction) => transaction.update(boats, boat.id, { name: 'renamed' }))
  assert.deepEqual((await follow(north, east)).entries, [])
  await east.transaction((transaction) => transaction.remove(boats, boat.id))
  const { entries, withdrawals } = await follow(north, east)
  assert.deepEqual([entries, withdrawals], [[], []])
  await follow(west, east)
  assert.deepEqual(await namesAt(west), ['renamed'])
})

test('nothing is made at a site outside, nor before the project is known there', async (t) => {
  const [, , north] = await openSites(t, { p: ['east'] })
  await assert.rejects(makeBoat(north, 'p'), OutsideSiteScope.is)
  await assert.rejects(makeBoat(north, mintId(seededRandom('project'), 1)), ProjectNotHere.is)
  assert.deepEqual([await namesAt(north), await north.feed.head()], [[], 0])
  // Nobody else can have made this one.
  await makeBoat(north, 'any text')
})

test('a narrower scope takes replicas away, without a word of what was in them', async (t) => {
  const projects: Projects = { p: null }
  const [east, west, north] = await openSites(t, projects)
  const { id } = await makeBoat(east, 'p')
  await follow(north, east)
  await follow(west, east)
  const told: string[] = []
  north.onCommit((changes) => told.push(...changes.map((change) => change.id)))
  assert.equal(await rescope(east, { projects, id }, ['east', 'west']), true)
  assert.equal(await rescope(east, { projects, id }, ['west', 'east']), false)
  const page = await follow(north, east)
  await follow(west, east)
  assert.equal(JSON.stringify(page).includes('secret'), false)
  assert.deepEqual([await namesAt(north), await namesAt(west), told], [[], ['secret'], [id]])
  // Whoever never had it is not told that it exists.
  const later = await makeBoat(east, 'p')
  await rescope(east, { projects, id: later.id }, ['east'])
  assert.deepEqual((await follow(north, east)).withdrawals, [])
  assert.equal((await follow(west, east)).withdrawals.length, 1)
})

test('a page that was asked for before does not bring back what was withdrawn', async (t) => {
  const projects: Projects = { p: null }
  const [east, , north] = await openSites(t, projects)
  const boat = await makeBoat(east, 'p')
  const early = await pageFor(north, east)
  await follow(north, east)
  await rescope(east, { projects, id: boat.id }, ['east'])
  await follow(north, east)
  assert.equal((await north.feed.apply(early, trustEverybody)).applied, 0)
  assert.deepEqual(await namesAt(north), [])
})

test('a page of a former home that comes after the withdrawal of the new one does not bring the record', async (t) => {
  const projects: Projects = { p: null }
  const [east, west, north] = await openSites(t, projects)
  const boat = await makeBoat(east, 'p')
  const early = await pageFor(north, east)
  const sign = (move: Move) => JSON.stringify(move)
  const row = await east.transaction((tx) => tx.handOver(boats, boat.id, { to: 'west', sign }))
  await west.transaction((transaction) => transaction.takeOver(boats, row, trustEverybody))
  await rescope(west, { projects, id: boat.id }, ['east'])
  await follow(north, west)
  await north.feed.apply(early, trustEverybody)
  assert.deepEqual(await namesAt(north), [])
  await rescope(west, { projects, id: boat.id }, null)
  await follow(north, west)
  assert.deepEqual(await namesAt(north), ['secret'])
})

test('a wider scope brings what the feed has passed, tombstones too', async (t) => {
  const projects: Projects = { p: ['east'] }
  const [east, west, north] = await openSites(t, projects)
  const [boat, gone] = [await makeBoat(east, 'p'), await makeBoat(east, 'p')]
  await east.transaction((transaction) => transaction.remove(boats, gone.id))
  await follow(north, east)
  for (const { id } of [boat, gone]) await rescope(east, { projects, id }, ['east', 'north'])
  await follow(north, east)
  await follow(west, east)
  assert.deepEqual([await namesAt(north), await namesAt(west)], [['secret', 'secret'], []])
  await rescope(east, { projects, id: boat.id }, null)
  await follow(west, east)
  assert.deepEqual(await namesAt(west), ['secret'])
})

test('a home moves within the scope only', async (t) => {
  const [east, west] = await openSites(t, { p: ['east', 'west'] })
  const boat = await makeBoat(east, 'p')
  const sign = (move: Move) => JSON.stringify(move)
  await assert.rejects(
    east.transaction((transaction) => transaction.handOver(boats, boat.id, { to: 'north', sign })),
    OutsideSiteScope.is,
  )
  const row = await east.transaction((transaction) =>
    transaction.handOver(boats, boat.id, { to: 'west', sign }),
  )
  assert.equal(
    await west.transaction((transaction) => transaction.takeOver(boats, row, trustEverybody)),
    true,
  )
})

test('what a careless home sends outside its scope is not kept', async (t) => {
  const [east, , north] = await openSites(t, { p: ['east'] })
  const row = await makeBoat(east, 'p')
  const page = { home: 'east', after: 0, upTo: 1, entries: [{ table: 'boats', row }] }
  assert.deepEqual(await north.feed.apply(page, trustEverybody), { applied: 0, refused: [] })
  const malformed = { ...row, site_scope: { allowed: 'north' } }
  const refused = { ...page, entries: [{ table: 'boats', row: malformed }] }
  assert.equal((await north.feed.apply(refused, trustEverybody)).refused.length, 1)
  assert.deepEqual(await namesAt(north), [])
})

test('nobody withdraws what is kept elsewhere', async (t) => {
  const [east, , north] = await openSites(t, { p: null })
  const { id } = await makeBoat(east, 'p')
  await follow(north, east)
  const withdraw = (generation: number) =>
    north.feed.apply(
      {
        home: 'west',
        after: 0,
        upTo: 9,
        entries: [],
        withdrawals: [{ table: 'boats', id, generation, seq: 9, moves: [] }],
      },
      trustEverybody,
    )
  assert.equal((await withdraw(1)).applied, 0)
  assert.equal((await withdraw(2)).refused.length, 1)
  assert.deepEqual(await namesAt(north), ['secret'])
})

test('a record that is given to another project goes where that one is kept', async (t) => {
  const [east, west, north] = await openSites(t, { p: ['east', 'west'], q: ['east', 'north'], r: ['west'] })
  const { id } = await makeBoat(east, 'p')
  await follow(west, east)
  await east.transaction((transaction) => transaction.update(boats, id, { project_id: 'q' }))
  await follow(west, east)
  await follow(north, east)
  assert.deepEqual([await namesAt(west), await namesAt(north)], [[], ['secret']])
  await assert.rejects(
    east.transaction((transaction) => transaction.update(boats, id, { project_id: 'r' })),
    OutsideSiteScope.is,
  )
})

test('the home of a record stays in its scope, and what was ever allowed is remembered within a bound', () => {
  const narrowed = rescoped(newScope(['east', 'west'], 'west'), ['east'], 'west')
  assert.deepEqual(narrowed, { allowed: ['east', 'west'], reached: ['east', 'west'] })
  assert.equal(isScopedTo(narrowed, ['east'], 'west'), true)
  assert.equal(carriageTo('north', rescoped(null, ['east'], 'east')), 'withdrawal')
  const many = (from: number) => Array.from({ length: ALLOWED_SITES_MAX }, (_, index) => `s${from + index}`)
  let scope = newScope(many(0), 'east')
  for (let from = 100; from < 1000; from += 100) scope = rescoped(scope, many(from), 'east') ?? scope
  assert.equal(scope.reached, null)
  assert.deepEqual(scopeOfRow({ site_scope: scope }), scope)
})
