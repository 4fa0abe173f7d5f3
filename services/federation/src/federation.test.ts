import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { all, boats, domains, foundCloudRecords, openCloud, takeOne, until } from './test-cloud.ts'

const headers = { 'x-auth-token': 't' }

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

test('sites learn of each other through those they know', async (t) => {
  const { site } = await cloud(t, 'east', 'west', 'north')
  for (const name of ['east', 'west', 'north']) {
    const { directory } = site(name).federation
    await until(`${name} knows all codes`, () => directory.all.every(({ code }) => code !== undefined))
    assert.deepEqual(directory.all.map((known) => known.name).sort(), ['east', 'north', 'west'])
  }
})
