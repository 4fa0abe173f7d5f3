import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { mintId, seededRandom, silentLogger } from '@atoll/kit'
import { PeerUnreachable } from '@atoll/overlay'
import type { RecordTable } from '@atoll/state'
import { ShareExhausted, shares } from '@atoll/state'
import { CannotRevoke, SiteRevoked } from './errors.ts'
import { Mover } from './moving.ts'
import { siteRevocations, sites } from './records.ts'
import {
  all,
  boats,
  domains,
  foundCloudRecords,
  openCloud,
  spendOne,
  type TestSite,
  takeOne,
  until,
} from './test-cloud.ts'
import { createTrust, moveSigner } from './trust.ts'

const headers = { 'x-auth-token': 't' }
const root = { domainId: 'root', founder: 'east' }

async function cloud(t: TestContext, ...names: string[]) {
  const opened = await openCloud(names, (cleanUp) => t.after(cleanUp))
  await foundCloudRecords(opened.site(names[0] ?? ''))
  for (const name of names.slice(1)) {
    const { state } = opened.site(name)
    await until(
      `${name} has the root domain`,
      async () => (await state.find(all, domains, 'root')) !== undefined,
    )
  }
  return opened
}

test('what is written at one site is read at the others', async (t) => {
  const { site } = await cloud(t, 'east', 'west')
  const [east, west] = [site('east'), site('west')]
  const made = await east.clients.inject({
    method: 'POST',
    url: '/toy/boats',
    headers,
    payload: { name: 'a' },
  })
  const { id } = made.json()
  await until('the replica is there', async () => (await west.state.find(all, boats, id)) !== undefined)
  assert.equal(await west.state.homeOf('boats', id), 'east')
})

test('a write goes to the home, and its effect is read where it was asked', async (t) => {
  const { site } = await cloud(t, 'east', 'west')
  const [east, west] = [site('east'), site('west')]
  const { id } = (
    await east.clients.inject({ method: 'POST', url: '/toy/boats', headers, payload: { name: 'a' } })
  ).json()
  await until('the replica is there', async () => (await west.state.find(all, boats, id)) !== undefined)
  const put = await west.clients.inject({
    method: 'PUT',
    url: `/toy/boats/${id}`,
    headers,
    payload: { name: 'b' },
  })
  assert.deepEqual([put.statusCode, put.json().home], [200, 'east'])
  assert.equal((await west.state.find(all, boats, id))?.name, 'b')
})

test('an id that was never seen is asked of the site whose code it carries', async (t) => {
  const { network, site } = await cloud(t, 'east', 'west')
  const [east, west] = [site('east'), site('west')]
  await until('west knows the code of east', () => west.federation.directory.find('east')?.code === 1)
  network.cut({ from: 'east', to: 'west' })
  const { id } = (
    await east.clients.inject({ method: 'POST', url: '/toy/boats', headers, payload: { name: 'a' } })
  ).json()
  network.heal({ from: 'east', to: 'west' })
  const put = await west.clients.inject({
    method: 'PUT',
    url: `/toy/boats/${id}`,
    headers,
    payload: { name: 'b' },
  })
  assert.deepEqual([put.statusCode, put.json().home], [200, 'east'])
})

test('a home that cannot be reached is a 503 that says whether anything was done', async (t) => {
  const { network, site } = await cloud(t, 'east', 'west')
  const [east, west] = [site('east'), site('west')]
  const { id } = (
    await east.clients.inject({ method: 'POST', url: '/toy/boats', headers, payload: { name: 'a' } })
  ).json()
  await until('the replica is there', async () => (await west.state.find(all, boats, id)) !== undefined)
  network.cutBoth('east', 'west')
  const put = await west.clients.inject({
    method: 'PUT',
    url: `/toy/boats/${id}`,
    headers,
    payload: { name: 'b' },
  })
  assert.equal(put.statusCode, 503)
  assert.match(put.json().serviceUnavailable.message, /Nothing was changed/)
})

test('a cut makes a site unreachable, and a heal reachable again', async (t) => {
  const { network, site } = await cloud(t, 'east', 'west')
  const { freshness } = site('east').federation
  await until('west was heard of', () => freshness.isReachable('west'))
  network.cutBoth('east', 'west')
  await until('west is unreachable', () => !freshness.isReachable('west'))
  assert.equal(freshness.isReachable('east'), true)
  network.healBoth('east', 'west')
  await until('west is reachable again', () => freshness.isReachable('west'))
})

test('what the cloud names uniquely is written at the founding site', async (t) => {
  const { site } = await cloud(t, 'east', 'west')
  const made = await site('west').clients.inject({
    method: 'POST',
    url: '/toy/domains',
    headers,
    payload: { name: 'd' },
  })
  assert.equal(made.json().home, 'east')
})

test('what may be done here as well is done at its home, and here when that does not answer', async (t) => {
  const { network, site } = await cloud(t, 'east', 'west')
  const { clients, federation } = site('west')
  const login = async () =>
    (await clients.inject({ method: 'POST', url: '/toy/logins', headers })).json().site
  assert.equal(await login(), 'east')
  network.cut({ from: 'east', to: 'west' })
  assert.equal(await login(), 'west', 'it was done at east, whose answer was lost')
  network.cutBoth('east', 'west')
  await until('east is silent', () => federation.freshness.isSilent('east'))
  assert.equal(await login(), 'west')
  network.healBoth('east', 'west')
  await until('east is back', () => !federation.freshness.isSilent('east'))
  assert.equal(await login(), 'east')
})

test('a workload goes to the zone that it names', async (t) => {
  const { site } = await cloud(t, 'east', 'west')
  const payload = { name: 'a', zone: 'west' }
  const made = await site('east').clients.inject({ method: 'POST', url: '/toy/boats', headers, payload })
  assert.equal(made.json().home, 'west')
})

test('a workload without room is offered elsewhere, and nowhere only when all are full', async (t) => {
  const { site } = await cloud(t, 'east', 'west', 'north')
  const create = () =>
    site('east').clients.inject({ method: 'POST', url: '/toy/boats', headers, payload: { name: 'a' } })
  site('east').settings.hasRoom = false
  site('west').settings.hasRoom = false
  assert.equal((await create()).json().home, 'north')
  site('north').settings.hasRoom = false
  assert.equal((await create()).json().name, 'nowhere')
})

test('a site borrows numbers, and goes on alone with what it has', async (t) => {
  const { network, site } = await cloud(t, 'east', 'west')
  const [east, west] = [site('east'), site('west')]
  const first = await takeOne(west)
  network.cutBoth('east', 'west')
  const taken = [first, await takeOne(west), await takeOne(west), await takeOne(east), await takeOne(east)]
  assert.equal(new Set(taken).size, 5)
})

test('a limit is used up to its last unit, wherever it is asked for, and never beyond', async (t) => {
  const { site } = await cloud(t, 'east', 'west', 'north')
  const [east, west, north] = [site('east'), site('west'), site('north')]
  for (const asking of [west, north, west, north, east, west, north, east, north, west])
    await spendOne(asking)
  for (const asking of [east, west, north]) await assert.rejects(spendOne(asking), ShareExhausted.is)
})

test('what is lent in advance is taken from nobody else', async (t) => {
  const { site } = await cloud(t, 'east', 'west', 'north')
  const [east, west] = [site('east'), site('west')]
  await spendOne(west)
  const held = async () => {
    const query = east.state.select(all, shares).select('amount').where('borrower', '=', 'west')
    return (await query.executeTakeFirst())?.amount
  }
  const before = await held()
  const payload = { resource: 'quota:root', wanted: 100, in_advance: true }
  const answers: number[] = []
  for (let asked = 0; asked < 5; asked++) {
    const request = { method: 'POST', url: '/peer/v1/shares', payload } as const
    answers.push((await east.peers.inject({ ...request, headers: { 'test-peer': 'north' } })).statusCode)
  }
  assert.deepEqual([answers[0], answers.at(-1)], [200, 409])
  assert.equal(await held(), before)
  await spendOne(east)
})

test('what a site holds that is cut off is not called back', async (t) => {
  const { network, site } = await cloud(t, 'east', 'west')
  const [east, west] = [site('east'), site('west')]
  await spendOne(west)
  network.cutBoth('east', 'west')
  await until('west is unreachable', () => !east.federation.freshness.isReachable('west'))
  let spent = 1
  for (const asking of [east, west]) {
    while (await succeeds(spendOne(asking))) spent++
  }
  assert.equal(spent, 10)
})

test('a record that follows its use moves to where it is written', async (t) => {
  const { site } = await cloud(t, 'east', 'west')
  const [east, west] = [site('east'), site('west')]
  const { id } = (
    await east.clients.inject({ method: 'POST', url: '/toy/boats', headers, payload: { name: 'a' } })
  ).json()
  await until('the replica is there', async () => (await west.state.find(all, boats, id)) !== undefined)
  await west.state.transaction((transaction) => transaction.update(boats, id, { name: 'b' }))
  assert.equal(await west.state.homeOf('boats', id), 'west')
  await until('the old home follows', async () => (await east.state.find(all, boats, id))?.name === 'b')
  assert.equal((await east.state.find(all, boats, id))?.generation, 2)
})

test('a record in use stays where it is', async (t) => {
  const { site } = await cloud(t, 'east', 'west')
  const [east, west] = [site('east'), site('west')]
  const { id } = (
    await east.clients.inject({ method: 'POST', url: '/toy/boats', headers, payload: { name: 'moored' } })
  ).json()
  await until('the replica is there', async () => (await west.state.find(all, boats, id)) !== undefined)
  await assert.rejects(west.state.transaction((transaction) => transaction.update(boats, id, { name: 'b' })))
  assert.equal(await east.state.homeOf('boats', id), 'east')
})

test('a site that comes later follows a record to where it has moved', async (t) => {
  const { network, site } = await cloud(t, 'east', 'west', 'north')
  const [east, west, north] = [site('east'), site('west'), site('north')]
  network.cutBoth('east', 'north')
  network.cutBoth('west', 'north')
  const { id } = (
    await east.clients.inject({ method: 'POST', url: '/toy/boats', headers, payload: { name: 'a' } })
  ).json()
  await until('the replica is there', async () => (await west.state.find(all, boats, id)) !== undefined)
  await west.state.transaction((transaction) => transaction.update(boats, id, { name: 'b' }))
  network.healBoth('west', 'north')
  await until('the new home is known', async () => (await north.state.homeOf('boats', id)) === 'west')
  const moved = await north.state.find(all, boats, id)
  assert.deepEqual([moved?.name, moved?.generation, moved?.moves.length], ['b', 2, 1])
})

test('a site takes nothing that its home did not sign over to it', async (t) => {
  const { site } = await cloud(t, 'east', 'west')
  const [east, west] = [site('east'), site('west')]
  const boat = await east.state.transaction((transaction) => transaction.insert(boats, { name: 'a' }))
  await until('the replica is there', async () => (await west.state.find(all, boats, boat.id)) !== undefined)
  const offer = async (signer: TestSite, changes: object = {}) => {
    const move = { table: 'boats', id: boat.id, from: 'east', to: 'west', generation: 2, ...changes }
    const row = { ...boat, home: 'west', generation: 2, moves: [moveSigner(signer.federation.signer)(move)] }
    const payload = { table: 'boats', row }
    const peer = { 'test-peer': signer.name }
    return west.peers.inject({ method: 'POST', url: '/peer/v1/homes/accept', headers: peer, payload })
  }
  assert.equal((await offer(west)).statusCode, 409)
  assert.equal((await offer(east, { id: 'another' })).statusCode, 409)
  assert.equal((await offer(east, { to: 'north' })).statusCode, 409)
  assert.equal(await west.state.homeOf('boats', boat.id), 'east')
  assert.equal((await offer(east)).statusCode, 200)
  assert.equal(await west.state.homeOf('boats', boat.id), 'west')
})

test('what was handed over is offered again, with the same signature, until it is taken', async (t) => {
  const { network, site } = await cloud(t, 'east', 'west')
  const [east, west] = [site('east'), site('west')]
  const { state, transport, federation } = east
  const { directory, signer } = federation
  const boat = await state.transaction((transaction) => transaction.insert(boats, { name: 'a' }))
  const common = {
    state,
    transport,
    directory,
    log: silentLogger,
    records: [boats as unknown as RecordTable],
  }
  const trust = createTrust({ domains: boats as unknown as RecordTable, root })
  const mover = new Mover({ ...common, trust, sign: moveSigner(signer) })
  const given = await mover.giveAway('boats', boat.id, 'west')
  network.cutBoth('east', 'west')
  await mover.offerAgain()
  network.healBoth('east', 'west')
  await until('it is taken', async () => {
    await mover.offerAgain()
    return (await west.state.homeOf('boats', boat.id)) === 'west'
  })
  assert.deepEqual((await west.state.find(all, boats, boat.id))?.moves, given.moves)
})

test('a site cannot take the code of another, nor make records under it', async (t) => {
  const { site } = await cloud(t, 'east', 'west', 'north')
  const [east, west] = [site('east'), site('west')]
  for (const name of ['east', 'north'])
    await until(`west knows ${name}`, () => west.federation.directory.find(name)?.code !== undefined)
  const trust = createTrust({ domains: domains as unknown as RecordTable, root })
  const claim = (table: string, row: object | undefined) =>
    west.state.feed.apply(
      { home: 'north', after: 0, upTo: 0, entries: [{ table, row: { ...row, home: 'north', seq: 1e9 } }] },
      trust,
    )
  const north = await west.state.find(all, sites, 'north')
  assert.equal((await claim('sites', { ...north, code: 1 })).refused.length, 1)
  const boat = await east.state.transaction((transaction) => transaction.insert(boats, { name: 'a' }))
  assert.equal((await claim('boats', { ...boat, id: mintId(seededRandom(9), 1) })).refused.length, 1)
  assert.equal((await claim('boats', { ...boat, id: mintId(seededRandom(9), 3) })).applied, 1)
})

test('sites learn of each other through those they know', async (t) => {
  const { site } = await cloud(t, 'east', 'west', 'north')
  for (const name of ['east', 'west', 'north']) {
    const { directory } = site(name).federation
    await until(
      `${name} knows all codes`,
      () => directory.all.filter(({ code }) => code !== undefined).length === 3,
    )
    assert.deepEqual(directory.all.map((known) => known.name).sort(), ['east', 'north', 'west'])
  }
})

function succeeds(work: Promise<unknown>): Promise<boolean> {
  return work.then(
    () => true,
    (error: unknown) => {
      assert.ok(ShareExhausted.is(error))
      return false
    },
  )
}

test('a site that was shut out is heard by nobody who knows it, and asked by nobody', async (t) => {
  const { site } = await cloud(t, 'east', 'west', 'north')
  const [east, west, north] = [site('east'), site('west'), site('north')]
  const knowsBoth = () => ['east', 'west'].every((name) => north.federation.directory.find(name)?.code)
  await until('north knows the others', knowsBoth)
  await east.federation.revokeSite({ site: 'west', reason: 'stolen' })
  await until('north has heard', () => north.federation.directory.isRevoked('west'))
  const made = await west.state.transaction((transaction) => transaction.insert(boats, { name: 'late' }))
  const ask = { site: 'north', method: 'GET', path: '/peer/v1/feed?after=0&limit=1&wait_ms=0' }
  const answer = await west.transport.request(ask)
  assert.deepEqual([answer.status, answer.headers['atoll-error']], [403, SiteRevoked.code])
  answer.body.destroy()
  await assert.rejects(north.federation.transport.request({ ...ask, site: 'west' }), PeerUnreachable.is)
  // What north and east write goes on reaching each other; what west wrote since does not.
  const heard = await east.state.transaction((transaction) => transaction.insert(boats, { name: 'heard' }))
  await until('north has it', async () => (await north.state.find(all, boats, heard.id)) !== undefined)
  assert.equal(await north.state.find(all, boats, made.id), undefined)
})

test('only a site that is trusted with the cloud itself shuts others out, and never itself', async (t) => {
  const { site } = await cloud(t, 'east', 'west')
  const [east, west] = [site('east'), site('west')]
  await until('west knows east', () => west.federation.directory.find('east')?.code === 1)
  await assert.rejects(west.federation.revokeSite({ site: 'east', reason: '' }), CannotRevoke.is)
  await assert.rejects(east.federation.revokeSite({ site: 'east', reason: '' }), CannotRevoke.is)
  await assert.rejects(east.federation.revokeSite({ site: 'nowhere', reason: '' }), CannotRevoke.is)
  // Nor by a record that it makes in its own name.
  const row = await west.state.transaction((transaction) =>
    transaction.insert(siteRevocations, {
      site: 'north',
      domain_id: 'root',
      reason: '',
      kept: [],
      heir: 'west',
      retired_at: 0,
      code: 3,
      signing_key: null,
      signing_key_id: '',
    }),
  )
  const page = { home: 'west', after: 0, upTo: row.seq, entries: [{ table: siteRevocations.name, row }] }
  const trust = createTrust({ domains: domains as unknown as RecordTable, root })
  assert.equal((await east.state.feed.apply(page, trust)).refused.length, 1)
  assert.equal(east.federation.directory.isRevoked('north'), false)
})

test('a site that sleeps is dormant everywhere before it goes, and back when it wakes', async (t) => {
  const { network, site } = await cloud(t, 'east', 'west')
  const [east, west] = [site('east'), site('west')]
  const standing = () => east.federation.directory.find('west')?.standing
  await until('east knows west', () => east.federation.freshness.isReachable('west'))
  await until('west is read by east', async () => (await west.federation.sleep()).length === 0)
  assert.equal(standing(), 'dormant')
  network.cutBoth('east', 'west')
  await until('east misses west', () => !east.federation.freshness.isReachable('west'))
  await west.federation.wake()
  network.healBoth('east', 'west')
  // West asks at once, and east, which would have paused for longer, hears that it is back.
  await until('east has heard', () => standing() === 'member')
})
