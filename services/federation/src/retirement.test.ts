import assert from 'node:assert/strict'
import test from 'node:test'
import { mintId, seededRandom, silentLogger, systemClock } from '@atoll/kit'
import { PeerUnreachable } from '@atoll/overlay'
import type { RecordTable, StateTransaction } from '@atoll/state'
import { Adopter, noDisplacement } from './adoption.ts'
import { CannotRetire, SiteRetired } from './errors.ts'
import type { Federation } from './federation.ts'
import { siteRevocations, sites } from './records.ts'
import { all, boats, domains, type TestSite, until } from './test-cloud.ts'
import { cloud, comesTo, has, makeBoat, rename } from './test-retirement.ts'
import { createTrust, moveSigner } from './trust.ts'

const headers = { 'x-auth-token': 't' }
const root = { domainId: 'root', founder: 'east' }

test('a lost site is retired: its heir keeps what it kept, and everybody goes there', async (t) => {
  const { site, lose } = await cloud(t, ['east', 'west', 'north'])
  const [east, west, north] = [site('east'), site('west'), site('north')]
  const made = await Promise.all([makeBoat(west), makeBoat(west, 'moored')])
  for (const { id } of made) await has([east, north], id)
  await lose('west')
  const { heir, copies, silent } = await east.federation.retireSite({ site: 'west', reason: 'flood' })
  assert.deepEqual([copies.map((copy) => copy.site).sort(), silent], [['east', 'north'], []])
  for (const { id } of made) {
    await comesTo(heir, [east, north], id)
    for (const asked of [east, north]) assert.deepEqual(await rename(asked, id, 'b'), [200, heir])
  }
  assert.equal(north.federation.directory.find('west')?.standing, 'retired')
  // What carries the code of the lost site and was never seen is asked of its heir, which says that there is none.
  const unknown = mintId(seededRandom('never seen'), 2)
  for (const asked of [east, north]) assert.equal((await rename(asked, unknown, 'b'))[0], 404)
})

test('what answers, this very site, and what nobody knows is not retired; and nobody without authority retires', async (t) => {
  const { site, lose } = await cloud(t, ['east', 'west', 'north'])
  const [east, west, north] = [site('east'), site('west'), site('north')]
  const refused = async (
    asked: TestSite,
    request: { site: string; heir?: string; isForced?: boolean },
    why: RegExp,
  ) =>
    assert.rejects(asked.federation.retireSite({ reason: '', ...request }), (error: unknown) => {
      assert.ok(CannotRetire.is(error))
      assert.match(error.message, why)
      return true
    })
  await refused(east, { site: 'west' }, /it answers/)
  await refused(east, { site: 'east' }, /this very site/)
  await refused(east, { site: 'nowhere' }, /nobody here knows it/)
  await refused(west, { site: 'north', isForced: true }, /not trusted/)
  await until('north is read', async () => (await north.federation.sleep()).length === 0)
  await lose('north')
  await refused(east, { site: 'north' }, /sleeps/)
  await refused(east, { site: 'north', heir: 'nowhere', isForced: true }, /no site that could take over/)
  await refused(east, { site: 'north', heir: 'north', isForced: true }, /its own heir/)
  assert.deepEqual(await east.state.select(all, siteRevocations).selectAll().execute(), [])
  await east.federation.retireSite({ site: 'north', reason: '', heir: 'west', isForced: true })
  assert.equal((await east.federation.retireSite({ site: 'north', reason: '' })).heir, 'west')
  await refused(east, { site: 'north', heir: 'east' }, /already/)
  await refused(east, { site: 'west', heir: 'north', isForced: true }, /no site that could take over/)
  assert.equal((await east.state.select(all, siteRevocations).selectAll().execute()).length, 1)
})

test('a site that another one still hears is not lost', async (t) => {
  const { network, site } = await cloud(t, ['east', 'west', 'north'])
  const { federation } = site('east')
  network.cutBoth('east', 'west')
  await until('east misses west', () => federation.freshness.isSilent('west'))
  await assert.rejects(federation.retireSite({ site: 'west', reason: '' }), /north hears it/)
  assert.equal((await federation.retireSite({ site: 'west', reason: '', isForced: true })).silent.length, 0)
})

test('a retirement that is made up is believed by nobody, nor is what would follow from it', async (t) => {
  const { site } = await cloud(t, ['east', 'west', 'north'])
  const [east, west] = [site('east'), site('west')]
  const boat = await makeBoat(east)
  await has([west, site('north')], boat.id)
  const row = await west.state.transaction((transaction) =>
    transaction.insert(siteRevocations, {
      site: 'east',
      domain_id: 'root',
      reason: '',
      kept: [],
      heir: 'west',
      retired_at: 0,
      code: 1,
      signing_key: null,
      signing_key_id: null,
    }),
  )
  // West believes itself, and takes what it likes.
  await comesTo('west', [west], boat.id)
  const trust = createTrust({
    domains: domains as unknown as RecordTable,
    root: { domainId: 'root', founder: 'east' },
  })
  const stolen = await west.state.find(all, boats, boat.id)
  for (const entry of [
    { table: siteRevocations.name, row },
    { table: boats.name, row: { ...stolen } },
  ]) {
    const page = { home: 'west', after: 0, upTo: 0, entries: [entry] }
    for (const name of ['east', 'north'])
      assert.equal((await site(name).state.feed.apply(page, trust)).refused.length, 1)
  }
  assert.equal(await east.state.homeOf('boats', boat.id), 'east')
})

test('an heir that dies in the midst of it goes on where it was', async (t) => {
  const { site, lose } = await cloud(t, ['east', 'west'])
  const [east, west] = [site('east'), site('west')]
  for (let count = 0; count < 120; count++) await makeBoat(west, `boat ${count}`)
  const last = await makeBoat(west, 'last')
  await has([east], last.id)
  await lose('west')
  // From here on nothing runs at east but what this test starts.
  await east.supervisor.stop()
  await east.federation.retireSite({ site: 'west', reason: '' })
  await until('east knows', () => east.federation.directory.isRevoked('west'))
  const isOurs = async () =>
    (await east.state.select(all, boats).select('id').where('home', '=', 'east').execute()).length
  const settled = new Map<string, number>()
  let deaths = 0
  for (const diesAt of [70, 30, 500]) {
    const life = new AbortController()
    let calls = 0
    const settle = async (_transaction: StateTransaction, { id }: { id: string }) => {
      if (++calls !== diesAt) return void settled.set(id, (settled.get(id) ?? 0) + 1)
      deaths++
      life.abort()
      throw new Error('dies')
    }
    const running = adopterOf(east, settle).service().run(life.signal)
    await until('it died or is done', async () => life.signal.aborted || (await isOurs()) === 121)
    life.abort()
    await running
    if (diesAt === 70) assert.equal(await isOurs(), 50, 'what it had committed')
  }
  assert.deepEqual([deaths, await isOurs(), settled.size], [2, 121, 121])
})

function adopterOf(
  { state, transport, federation }: TestSite,
  settle: (transaction: StateTransaction, row: { id: string }) => Promise<void>,
): Adopter {
  return new Adopter({
    state,
    transport,
    directory: federation.directory,
    records: [boats as unknown as RecordTable],
    trust: createTrust({ domains: domains as unknown as RecordTable, root }),
    sign: moveSigner(federation.signer),
    displacement: { ...noDisplacement, settle: { boats: settle } },
    isSteward: () => true,
    clock: systemClock,
    log: silentLogger,
  })
}

test('two operators who cannot hear each other retire a site with two heirs, and each record has one home', async (t) => {
  const names = ['east', 'west', 'north', 'south', 'lost']
  const { network, site, lose } = await cloud(t, names, { trusted: ['east', 'west'] })
  const [east, west, north, south, lost] = names.map(site) as [
    TestSite,
    TestSite,
    TestSite,
    TestSite,
    TestSite,
  ]
  const rest = [east, west, north, south]
  const made = []
  for (const name of ['a', 'b', 'c']) made.push(await makeBoat(lost, name))
  for (const { id } of made) await has(rest, id)
  await lose('lost')
  const islands = [
    ['east', 'north'],
    ['west', 'south'],
  ] as const
  for (const left of islands[0]) for (const right of islands[1]) network.cutBoth(left, right)
  for (const [here, there] of [islands, islands.toReversed()] as const)
    for (const name of here ?? [])
      for (const other of there ?? [])
        await until(`${name} misses ${other}`, () => !site(name).federation.freshness.isReachable(other))
  await west.federation.retireSite({ site: 'lost', reason: '', heir: 'south' })
  await east.federation.retireSite({ site: 'lost', reason: '', heir: 'north' })
  const [id = ''] = made.map((boat) => boat.id)
  await comesTo('south', [west, south], id)
  await comesTo('north', [east, north], id)
  assert.deepEqual(await rename(east, id, 'by north'), [200, 'north'])
  assert.deepEqual(await rename(west, id, 'by south'), [200, 'south'])
  for (const left of islands[0]) for (const right of islands[1]) network.healBoth(left, right)
  for (const boat of made) await comesTo('south', rest, boat.id)
  for (const { state } of rest)
    await until('all have what counts', async () => (await state.find(all, boats, id))?.name === 'by south')
  for (const asked of rest) assert.deepEqual(await rename(asked, id, 'c'), [200, 'south'])
})

test('the founder is retired by another site that the root domain trusts, which then keeps what all share', async (t) => {
  const { site, lose } = await cloud(t, ['east', 'west', 'north'], { trusted: ['east', 'west'] })
  const [east, west, north] = [site('east'), site('west'), site('north')]
  const boat = await makeBoat(east)
  await has([west, north], boat.id)
  await lose('east')
  assert.equal((await west.federation.retireSite({ site: 'east', reason: '' })).heir, 'west')
  await comesTo('west', [west, north], boat.id)
  await until(
    'the root domain has come',
    async () => (await north.state.homeOf('domains', 'root')) === 'west',
  )
  const payload = { name: 'new' }
  const created = await north.clients.inject({ method: 'POST', url: '/toy/domains', headers, payload })
  assert.equal(created.json().home, 'west')
})

test('a domain that does not trust the heir keeps its records where they were, until it does', async (t) => {
  const { site, lose } = await cloud(t, ['east', 'west', 'north'], { trusted: ['east', 'west'] })
  const [east, north] = [site('east'), site('north')]
  const made = await site('west').state.transaction((transaction) =>
    transaction.insert(domains, { name: 'of west', sites: null }),
  )
  await until('the others have it', async () => (await north.state.find(all, domains, made.id)) !== undefined)
  await until('the others have it', async () => (await east.state.find(all, domains, made.id)) !== undefined)
  await lose('west')
  await east.federation.retireSite({ site: 'west', reason: '', heir: 'north' })
  await until('it is reported', () => north.federation.recordsLeftOf('west') === 1)
  assert.equal(await north.state.homeOf('domains', made.id), 'west')
  await east.state.transaction((transaction) =>
    transaction.update(domains, 'root', { sites: ['east', 'west', 'north'] }),
  )
  await until('it has come', async () => (await east.state.homeOf('domains', made.id)) === 'north')
})

test('a retired site that comes back is refused by all, and knows it', async (t) => {
  const { network, site, lose } = await cloud(t, ['east', 'west', 'north'])
  const [east, west, north] = [site('east'), site('west'), site('north')]
  const boat = await makeBoat(west)
  await has([east, north], boat.id)
  await lose('west')
  const { heir } = await east.federation.retireSite({ site: 'west', reason: '' })
  await comesTo(heir, [east, north], boat.id)
  // It has gone on alone.
  await west.state.transaction((transaction) => transaction.update(boats, boat.id, { name: 'late' }))
  for (const name of ['east', 'north']) network.healBoth('west', name)
  await until('west knows', () => west.federation.shutOutBy.length === 2)
  const ask = { site: 'north', method: 'GET', path: '/peer/v1/feed?after=0&limit=1&wait_ms=0' }
  const answer = await west.transport.request(ask)
  assert.deepEqual([answer.status, answer.headers['atoll-error']], [403, SiteRetired.code])
  answer.body.destroy()
  await assert.rejects(north.federation.transport.request({ ...ask, site: 'west' }), PeerUnreachable.is)
  assert.equal((await north.state.find(all, boats, boat.id))?.name, 'a')
})

test('a site that never heard the lost one believes its heir', async (t) => {
  const { network, site, lose } = await cloud(t, ['east', 'west', 'north'])
  const [east, west, north] = [site('east'), site('west'), site('north')]
  // As after a join: north knows nothing of west.
  network.cutBoth('east', 'north')
  network.cutBoth('west', 'north')
  await until('north is alone', () => !north.federation.freshness.isReachable('east'))
  const boat = await makeBoat(west)
  await has([east], boat.id)
  await lose('west', ['east'])
  await east.federation.retireSite({ site: 'west', reason: '', heir: 'east' })
  await comesTo('east', [east], boat.id)
  for (;;) {
    const forgotten = await north.state.feed.forget('west', sites as unknown as RecordTable, 10)
    if (forgotten === 0) break
  }
  network.healBoth('east', 'north')
  await comesTo('east', [north], boat.id)
  assert.deepEqual(await rename(north, boat.id, 'b'), [200, 'east'])
})

test('what was handed over to a site that was lost before anybody saw it there comes to its heir', async (t) => {
  const { site, lose } = await cloud(t, ['east', 'west', 'north'])
  const [east, north] = [site('east'), site('north')]
  const boat = await makeBoat(north)
  await has([east, site('west')], boat.id)
  const sign = moveSigner(north.federation.signer)
  await lose('west')
  await north.state.transaction((transaction) => transaction.handOver(boats, boat.id, { to: 'west', sign }))
  await east.federation.retireSite({ site: 'west', reason: '', heir: 'east' })
  await comesTo('east', [east, north], boat.id)
  assert.equal((await north.state.find(all, boats, boat.id))?.generation, 3)
})

test('sites that know the same of each other name the same guardians of a site, and not the site itself', async (t) => {
  // Without the overlay nobody knows how far anybody is.
  const services = (federation: Federation) => federation.services()
  const { site } = await cloud(t, ['east', 'west', 'north', 'south', 'lost'], { cloud: { services } })
  const named = ['east', 'west', 'north', 'south'].map(
    (name) => site(name).federation.guardiansOf('lost').guardians,
  )
  assert.equal(new Set(named.map(String)).size, 1)
  assert.deepEqual([named[0]?.length, named[0]?.includes('lost')], [3, false])
})

test('guardians share no failure domain with the site nor with each other, or it is said that they do', async (t) => {
  const names = ['east', 'west', 'north', 'south', 'reef', 'lost']
  const services = (federation: Federation) => federation.services()
  const failureDomains = {
    lost: ['grid:north', 'provider:acme'],
    north: ['grid:north'],
    west: ['provider:acme'],
    reef: ['coast:west'],
  }
  const { site } = await cloud(t, names, { cloud: { services, failureDomains } })
  const { guardians, compromises } = site('east').federation.guardiansOf('lost')
  assert.deepEqual([guardians.toSorted(), compromises], [['east', 'reef', 'south'], []])
  const shared = site('lost').federation.guardiansOf('north')
  assert.deepEqual([shared.guardians.includes('lost'), shared.compromises], [false, []])
})

test('guardians that share a failure domain are better than none, and that is said', async (t) => {
  const services = (federation: Federation) => federation.services()
  const failureDomains = { lost: ['grid:north'], west: ['grid:north'] }
  const { site } = await cloud(t, ['east', 'west', 'lost'], { cloud: { services, failureDomains } })
  assert.deepEqual(site('east').federation.guardiansOf('lost'), {
    guardians: ['east', 'west'],
    compromises: ['shared_domain'],
  })
})
