import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import type { SiteNames } from '@atoll/state'
import { HomeUnreachable } from './errors.ts'
import {
  all,
  boats,
  domains,
  foundCloudRecords,
  openCloud,
  projects,
  type TestSite,
  until,
} from './test-cloud.ts'

/** East, west and north, with a project whose records are kept at `keptAt`; its id is its token. */
async function cloud(t: TestContext, keptAt: SiteNames) {
  const opened = await openCloud(['east', 'west', 'north'], (cleanUp) => t.after(cleanUp))
  const sites = ['east', 'west', 'north'].map(opened.site) as [TestSite, TestSite, TestSite]
  const [east] = sites
  await foundCloudRecords(east)
  const { id: project } = await east.state.transaction((tx) => tx.insert(projects, { kept_at: keptAt }))
  for (const { name, state, federation } of sites) {
    await until(`${name} has the root domain`, async () => !!(await state.find(all, domains, 'root')))
    await until(`${name} knows the project`, () => federation.projectSites.sitesOf(project) !== null)
    await until(`${name} knows all sites`, () => federation.directory.all.every(({ code }) => code))
    await until(`${name} reaches all sites`, () =>
      federation.directory.all.every((other) => federation.freshness.isReachable(other.name)),
    )
  }
  return { ...opened, sites, project }
}

const post = ({ clients }: TestSite, token: string, payload: object) =>
  clients.inject({ method: 'POST', url: '/toy/boats', headers: { 'x-auth-token': token }, payload })
const list = ({ clients }: TestSite, token: string) =>
  clients.inject({ method: 'GET', url: '/toy/boats', headers: { 'x-auth-token': token } })
/** Writes where the project is kept from now on, and waits until every site has heard of it. */
async function keepAt(sites: readonly TestSite[], project: string, kept_at: SiteNames | null) {
  await sites[0]?.state.transaction((tx) => tx.update(projects, project, { kept_at }))
  for (const { name, federation } of sites)
    await until(`${name} has heard`, () => {
      const known = federation.projectSites.sitesOf(project)
      return JSON.stringify(known) === JSON.stringify(kept_at)
    })
}

const countAt = async ({ state }: TestSite) =>
  (await state.selectWithTombstones(all, boats).select('id').execute()).length

test('a project is worked with at any site, and kept at its own sites only', async (t) => {
  const { sites, project } = await cloud(t, ['east', 'west'])
  const [east, west, north] = sites
  const made = await post(north, project, { name: 'secret' })
  assert.equal(made.statusCode, 201)
  assert.ok(['east', 'west'].includes(made.json().home))
  const listed = await list(north, project)
  assert.deepEqual([listed.statusCode, listed.json()[0].name], [200, 'secret'])
  // Who answered was one of the two, and it says how old each part was there.
  assert.match(String(listed.headers['atoll-freshness']), /(east|west)=0(,|$)/)
  const renamed = await north.clients.inject({
    method: 'PUT',
    url: `/toy/boats/${made.json().id}`,
    headers: { 'x-auth-token': project },
    payload: { name: 'renamed' },
  })
  assert.equal(renamed.statusCode, 200)
  for (const site of [east, west]) await until('it is there', async () => (await countAt(site)) === 1)
  for (const home of [east, west]) {
    const head = await home.state.feed.head()
    await until('north has read all', async () => (await north.state.feed.cursor(home.name)) >= head)
  }
  assert.equal(await countAt(north), 0)
})

test('a workload of a project finds room at its sites only, and no zone elsewhere', async (t) => {
  const { sites, project } = await cloud(t, ['east', 'west'])
  const [east, west, north] = sites
  east.settings.hasRoom = false
  const made = await post(east, project, { name: 'moved on' })
  assert.deepEqual([made.statusCode, made.json().home], [201, 'west'])
  west.settings.hasRoom = false
  for (const site of sites) assert.equal((await post(site, project, { name: 'n' })).json().name, 'nowhere')
  assert.equal(await countAt(north), 0)
  for (const site of sites) {
    const refused = await post(site, project, { name: 'n', zone: 'north' })
    assert.equal(refused.statusCode, 400)
    assert.match(refused.json().badRequest.message, /zone north .* kept: east, west/)
  }
  west.settings.hasRoom = true
  const named = await post(north, project, { name: 'n', zone: 'west' })
  assert.deepEqual([named.statusCode, named.json().home], [201, 'west'])
})

test('the next site that keeps the project answers when one is cut off, and a 503 when all are', async (t) => {
  const { network, sites, project } = await cloud(t, ['east', 'west'])
  const [east, , north] = sites
  await post(east, project, { name: 'a' })
  network.cutBoth('north', 'west')
  assert.equal((await list(north, project)).statusCode, 200)
  network.cutBoth('north', 'east')
  const refused = await list(north, project)
  assert.equal(refused.statusCode, 503)
  assert.match(refused.json().serviceUnavailable.message, /kept at east, west only.*Nothing was changed/)
})

test('a project that was just made elsewhere is not taken for one that is kept everywhere', async (t) => {
  const { network, sites } = await cloud(t, ['east'])
  const [east, west] = sites
  network.cutBoth('east', 'west')
  const { id } = await east.state.transaction((tx) => tx.insert(projects, { kept_at: ['east'] }))
  const early = await post(west, id, { name: 'early' })
  assert.deepEqual([early.statusCode, await countAt(west)], [503, 0])
  network.healBoth('east', 'west')
  await until('west knows the project', () => west.federation.projectSites.sitesOf(id) !== null)
  assert.equal((await post(west, id, { name: 'late' })).json().home, 'east')
})

test('records go and come with what their project says, beyond a cut', async (t) => {
  const { network, sites, project } = await cloud(t, ['east', 'west'])
  const [east, west, north] = sites
  for (let index = 0; index < 120; index++) await post(east, project, { name: `b${index}` })
  await until('west has them', async () => (await countAt(west)) === 120)
  network.cutBoth('east', 'north')
  await keepAt([east, west], project, ['east', 'north'])
  await until('west has dropped them', async () => (await countAt(west)) === 0)
  assert.equal(await countAt(north), 0)
  network.healBoth('east', 'north')
  await until('north has them', async () => (await countAt(north)) === 120)
  await keepAt(sites, project, null)
  await until('west has them again', async () => (await countAt(west)) === 120)
})

test('what was made at a site before it heard stays there, and is written from anywhere', async (t) => {
  const { network, sites, project } = await cloud(t, ['east', 'west'])
  const [east, west, north] = sites
  network.cutBoth('east', 'west')
  await keepAt([east, north], project, ['east', 'north'])
  const { id } = (await post(west, project, { name: 'late' })).json()
  assert.equal((await west.state.find(all, boats, id))?.home, 'west')
  network.healBoth('east', 'west')
  await until('west has heard', () => !west.federation.projectSites.sitesOf(project)?.includes('west'))
  for (const site of [east, north])
    await until(`${site.name} has it`, async () => (await countAt(site)) === 1)
  for (const site of sites) {
    const { clients } = site
    const url = `/toy/boats/${id}`
    const put = await clients.inject({
      method: 'PUT',
      url,
      headers: { 'x-auth-token': project },
      payload: { name: 'x' },
    })
    assert.deepEqual([put.statusCode, put.json().home], [200, 'west'], site.name)
  }
})

test('records at sites that a project would leave are counted, wherever that is asked', async (t) => {
  const { network, sites, project } = await cloud(t, ['west', 'north'])
  const [east, west, north] = sites
  for (const site of [west, west, north]) await post(site, project, { name: 'a' })
  const count = (site: TestSite, before: SiteNames | null, after: SiteNames) =>
    site.federation.countOutside(project, { before, after })
  await until('west has all', async () => (await countAt(west)) === 3)
  assert.equal(await count(west, ['west', 'north'], ['north']), 2)
  assert.equal(await count(west, null, ['east']), 3)
  // East keeps the project's own record and none of these.
  assert.equal(await count(east, ['west', 'north'], ['north']), 2)
  assert.equal(await count(east, ['west', 'north'], ['east']), 3)
  network.cutBoth('east', 'west')
  await assert.rejects(count(east, ['west', 'north'], ['north']), HomeUnreachable.is)
})
