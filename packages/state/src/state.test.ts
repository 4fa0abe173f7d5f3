import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { seededRandom, systemClock } from '@atoll/kit'
import { memoryStore, openRome, text } from '@atoll/rome'
import { defineRecord, type RecordTable } from './define-record.ts'
import { NotHome, RecordGone, ShareExhausted } from './errors.ts'
import { Feed } from './feed.ts'
import { endNumbers, releaseNumber, releaseNumbers, takeNumber, takeThisNumber } from './numbers.ts'
import { openTestState, trustEverybody } from './open-test-state.ts'
import { cloudScope, projectScope } from './scope.ts'
import { shareTestStore } from './share-test-store.ts'
import { foundShare, heldShare, lendAmount, lendNumbers, spend } from './shares.ts'
import { State } from './state.ts'
import { takenNumbers } from './tables.ts'

const boats = defineRecord('boats', { name: text() })
const charts = defineRecord(
  'charts',
  { name: text(), domain_id: text() },
  {
    audience: 'everyone',
    authority: (row) => row.domain_id,
  },
)
const all = cloudScope('test')

const openSite = (t: TestContext, name: string, code: number) =>
  openTestState({ records: [boats, charts], site: { name, code }, after: (cleanUp) => t.after(cleanUp) })

const follow = async (follower: State, home: State, limit = 100, trust = trustEverybody) => {
  const after = await follower.feed.cursor(home.site.name)
  const page = await home.feed.read({ home: home.site.name, follower: follower.site.name, after, limit })
  return { page, ...(await follower.feed.apply(page, trust)) }
}

test('a project sees its own records, an administrator all, nobody a tombstone', async (t) => {
  const state = await openSite(t, 'east', 1)
  const [mine, theirs] = await state.transaction(async (transaction) => [
    await transaction.insert(boats, { name: 'mine', project_id: 'p1' }),
    await transaction.insert(boats, { name: 'theirs', project_id: 'p2' }),
  ])
  const me = projectScope('p1', 'u1')
  assert.deepEqual(await state.select(me, boats).select('name').execute(), [{ name: 'mine' }])
  assert.equal(await state.find(me, boats, theirs?.id ?? ''), undefined)
  assert.equal((await state.select(all, boats).selectAll().execute()).length, 2)
  await state.transaction((transaction) => transaction.remove(boats, mine?.id ?? ''))
  assert.equal(await state.find(all, boats, mine?.id ?? ''), undefined)
  await assert.rejects(
    state.transaction((transaction) => transaction.update(boats, mine?.id ?? '', { name: 'ghost' })),
    RecordGone.is,
  )
})

test('numbers of the feed rise, whatever a failed transaction took', async (t) => {
  const state = await openSite(t, 'east', 1)
  const first = await state.transaction((transaction) => transaction.insert(boats, { name: 'a' }))
  await assert.rejects(
    state.transaction(async (transaction) => {
      await transaction.insert(boats, { name: 'lost' })
      throw new Error('no')
    }),
  )
  // What a transaction answers with may hold a provisional number: what counts is what is stored.
  const seqOf = async () => (await state.find(all, boats, first.id))?.seq ?? 0
  const before = await seqOf()
  await state.transaction((transaction) => transaction.update(boats, first.id, { name: 'b' }))
  assert.ok(before < (await seqOf()))
  assert.equal(await state.feed.head(), await seqOf())
})

test('a follower gets the latest version once, page by page, tombstones included', async (t) => {
  const [east, west] = [await openSite(t, 'east', 1), await openSite(t, 'west', 2)]
  const rows = await east.transaction(async (transaction) => {
    const inserted = []
    for (const name of ['a', 'b', 'c']) inserted.push(await transaction.insert(boats, { name }))
    return inserted
  })
  await east.transaction((transaction) => transaction.update(boats, rows[0]?.id ?? '', { name: 'a2' }))
  await east.transaction((transaction) => transaction.remove(boats, rows[1]?.id ?? ''))
  const first = await follow(west, east, 2)
  assert.deepEqual([first.applied, first.page.isComplete], [2, false])
  const second = await follow(west, east, 2)
  assert.deepEqual([second.applied, second.page.isComplete, await west.feed.cursor('east')], [1, true, 5])
  const names = await west.select(all, boats).select('name').orderBy('name').execute()
  assert.deepEqual(names, [{ name: 'a2' }, { name: 'c' }])
  assert.equal((await west.feed.apply(second.page, trustEverybody)).applied, 0)
})

test('what changes while a page is read is in it, beyond what the page is complete up to', async () => {
  const tools = { clock: systemClock, random: seededRandom('feed') }
  const view = shareTestStore(openRome({ store: memoryStore(), ...tools }))
  const records = [boats] as unknown as readonly RecordTable[]
  const site = { name: 'east', code: 1 }
  const home = await State.open({ ...tools, store: view(), site, records, locals: [] })
  const boat = await home.transaction((transaction) => transaction.insert(boats, { name: 'ashore' }))
  const before = await home.find(all, boats, boat.id)
  const headNumber = async () => {
    const head = await home.feed.head()
    await home.transaction((transaction) => transaction.update(boats, boat.id, { name: 'afloat' }))
    return head
  }
  const feed = new Feed({ store: { ...view(), headNumber }, site, records, notify: () => {} })
  const page = await feed.read({ home: 'east', follower: 'west', after: 0, limit: 10 })
  assert.deepEqual(
    page.entries.map(({ row }) => row.name),
    ['afloat'],
  )
  assert.equal(page.upTo, before?.seq)
})

test('a page without news commits nothing', async () => {
  const tools = { clock: systemClock, random: seededRandom('idle') }
  const view = shareTestStore(openRome({ store: memoryStore(), ...tools }))
  const records = [boats] as unknown as readonly RecordTable[]
  const west = await State.open({
    ...tools,
    store: view(),
    site: { name: 'west', code: 2 },
    records,
    locals: [],
  })
  const transaction = () => Promise.reject(new Error('a commit'))
  const options = { site: west.site, records, notify: () => {} }
  const feed = new Feed({ ...options, store: { ...view(), transaction } })
  const nothing = { home: 'east', after: 7, upTo: 7, entries: [] }
  assert.deepEqual(await feed.apply(nothing, trustEverybody), { applied: 0, refused: [] })
  await assert.rejects(feed.apply({ ...nothing, upTo: 8 }, trustEverybody), /a commit/)
})

test('a replica is read-only', async (t) => {
  const [east, west] = [await openSite(t, 'east', 1), await openSite(t, 'west', 2)]
  const boat = await east.transaction((transaction) => transaction.insert(boats, { name: 'a' }))
  await follow(west, east)
  await assert.rejects(
    west.transaction((transaction) => transaction.update(boats, boat.id, { name: 'stolen' })),
    NotHome.is,
  )
})

test('a site speaks for its own records only, and for domains that trust it', async (t) => {
  const [east, west] = [await openSite(t, 'east', 1), await openSite(t, 'west', 2)]
  await east.transaction(async (transaction) => {
    await transaction.insert(charts, { name: 'good', domain_id: 'trusts-east' })
    await transaction.insert(charts, { name: 'bad', domain_id: 'other' })
  })
  const hasAuthority = async (domainId: string) => domainId === 'trusts-east'
  const { applied, refused } = await follow(west, east, 10, { ...trustEverybody, hasAuthority })
  assert.deepEqual([applied, refused.length], [1, 1])
  const entries = [{ table: 'boats', row: { id: 'x', home: 'east' } }]
  const foreign = { home: 'north', after: 0, upTo: 1, entries }
  assert.equal((await west.feed.apply(foreign, trustEverybody)).refused.length, 1)
})

test('columns that this version does not know are kept and handed on', async (t) => {
  const west = await openSite(t, 'west', 2)
  const east = await openSite(t, 'east', 1)
  const boat = await east.transaction((transaction) => transaction.insert(boats, { name: 'a' }))
  const row = { ...boat, sails: 3 }
  const entries = [{ table: 'boats', row }]
  await west.feed.apply({ home: 'east', after: 0, upTo: 1, entries }, trustEverybody)
  assert.deepEqual((await west.find(all, boats, boat.id))?.unknown_columns, { sails: 3 })
})

test('what is lent is taken from the lender, and nobody spends over the limit', async (t) => {
  const [east, west] = [await openSite(t, 'east', 1), await openSite(t, 'west', 2)]
  await east.transaction((transaction) => foundShare(transaction, 'quota:p:cores', { amount: 10 }))
  await east.transaction((transaction) => spend(transaction, 'quota:p:cores', 4))
  const lent = await east.transaction((transaction) =>
    lendAmount(transaction, { resource: 'quota:p:cores', borrower: 'west', wanted: 100 }),
  )
  assert.equal(lent.amount, 3)
  await follow(west, east)
  await west.transaction((transaction) => spend(transaction, 'quota:p:cores', 3))
  await assert.rejects(
    west.transaction((transaction) => spend(transaction, 'quota:p:cores', 1)),
    ShareExhausted.is,
  )
  await east.transaction((transaction) => spend(transaction, 'quota:p:cores', 3))
  await assert.rejects(
    east.transaction((transaction) => spend(transaction, 'quota:p:cores', 1)),
    ShareExhausted.is,
  )
})

test('a site that runs out borrows, and its transaction runs again', async (t) => {
  const [east, west] = [await openSite(t, 'east', 1), await openSite(t, 'west', 2)]
  await east.transaction((transaction) => foundShare(transaction, 'addresses:net', { ranges: [[10, 20]] }))
  west.borrowWith(async (resource, wanted) => {
    await east.transaction((transaction) => lendNumbers(transaction, { resource, borrower: 'west', wanted }))
    await follow(west, east)
    return true
  })
  const number = await west.transaction((transaction) =>
    takeNumber(transaction, { resource: 'addresses:net', holder: 'port' }),
  )
  assert.equal(number, 19)
  assert.deepEqual(
    (await east.transaction((transaction) => heldShare(transaction, 'addresses:net')))?.ranges,
    [[10, 19]],
  )
})

test('a number given back is taken again after the others', async (t) => {
  const state = await openSite(t, 'east', 1)
  const taken = { resource: 'addresses:net', holder: 'port' }
  await state.transaction((transaction) =>
    foundShare(transaction, taken.resource, {
      ranges: [
        [1, 3],
        [7, 8],
      ],
    }),
  )
  const take = (holder: string) =>
    state.transaction((transaction) => takeNumber(transaction, { ...taken, holder }))
  assert.deepEqual([await take('a'), await take('b')], [1, 2])
  await state.transaction((transaction) => releaseNumbers(transaction, 'a'))
  assert.deepEqual([await take('c'), await take('d')], [7, 1])
  await assert.rejects(take('e'), ShareExhausted.is)
})

test('what was refused is read again when a domain changes whom it trusts', async (t) => {
  const [east, west] = [await openSite(t, 'east', 1), await openSite(t, 'west', 2)]
  await east.transaction((transaction) => transaction.insert(charts, { name: 'a', domain_id: 'd' }))
  await follow(west, east, 10, { ...trustEverybody, hasAuthority: async () => false })
  assert.equal((await west.select(all, charts).selectAll().execute()).length, 0)
  const askedBefore = await east.feed.read({ home: 'east', follower: 'west', after: 1, limit: 10 })
  assert.deepEqual(await west.feed.reconsider(), ['east'])
  await west.feed.apply(askedBefore, trustEverybody)
  await follow(west, east)
  assert.equal((await west.select(all, charts).selectAll().execute()).length, 1)
})

test('a number is given back by its holder alone, and a resource that ends leaves nothing behind', async (t) => {
  const state = await openSite(t, 'east', 1)
  const resource = 'addresses:s1'
  const taken = (holder: string) =>
    state.transaction((transaction) => takeThisNumber(transaction, { resource, holder }, 5))
  await state.transaction((transaction) => foundShare(transaction, resource, { ranges: [[5, 7]] }))
  assert.deepEqual([await taken('one'), await taken('two')], [true, false])
  await state.transaction((transaction) => releaseNumber(transaction, { resource, holder: 'two' }, 5))
  assert.equal(await taken('two'), false)
  await state.transaction((transaction) => releaseNumber(transaction, { resource, holder: 'one' }, 5))
  assert.equal(await taken('two'), true)
  await state.transaction((transaction) => endNumbers(transaction, resource))
  assert.equal(await state.transaction((transaction) => heldShare(transaction, resource)), undefined)
  assert.deepEqual(await state.local(takenNumbers).selectAll().execute(), [])
})
