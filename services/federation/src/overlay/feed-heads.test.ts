import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { all, boats, foundCloudRecords, openCloud, type TestSite, until } from '../test-cloud.ts'

const NAMES = ['east', 'north', 'south', 'west']
const headers = { 'x-auth-token': 't' }

/** Sites that follow none of the others closely. */
async function looseCloud(t: TestContext) {
  const cloud = await openCloud(NAMES, (cleanUp) => t.after(cleanUp), { closeSitesMax: 0 })
  await foundCloudRecords(cloud.site('east'))
  for (const name of NAMES.slice(1)) {
    const { federation } = cloud.site(name)
    await until(`${name} trusts east`, () => federation.directory.isTrusted('east'))
    await until(`${name} sees all`, () =>
      NAMES.every((other) => other === name || federation.freshness.isReachable(other)),
    )
  }
  return cloud
}

const makeBoat = async ({ clients }: TestSite, name: string): Promise<string> =>
  (await clients.inject({ method: 'POST', url: '/toy/boats', headers, payload: { name } })).json().id

test('a site that nobody asks all the time is asked when gossip tells of its news', async (t) => {
  const { site } = await looseCloud(t)
  const [east, west] = [site('east'), site('west')]
  // Without gossip each of them would take a minute.
  for (const name of ['a', 'b', 'c']) {
    const id = await makeBoat(east, name)
    await until(`${name} is there`, async () => (await west.state.find(all, boats, id)) !== undefined)
  }
  const head = west.federation.heads.find('east')
  assert.deepEqual(head?.capacity, { vcpus: 1, ramMib: 1024, diskGib: 10 })
  assert.ok((head?.seq ?? 0) >= 3)
})

test('a write at a site that is asked seldom is read where it was asked', async (t) => {
  const { site } = await looseCloud(t)
  const [east, west] = [site('east'), site('west')]
  const id = await makeBoat(east, 'a')
  await until('the replica is there', async () => (await west.state.find(all, boats, id)) !== undefined)
  const put = await west.clients.inject({
    method: 'PUT',
    url: `/toy/boats/${id}`,
    headers,
    payload: { name: 'b' },
  })
  assert.equal(put.statusCode, 200)
  assert.equal((await west.state.find(all, boats, id))?.name, 'b')
})

test('a site that was shut out is so also where nobody reaches the one that said it', async (t) => {
  const { site, network } = await looseCloud(t)
  const [east, west] = [site('east'), site('west')]
  network.cutBoth('east', 'west')
  await east.federation.revokeSite({ site: 'south', reason: 'stolen' })
  await until('west has heard', () => west.federation.directory.isRevoked('south'))
  assert.deepEqual([...west.federation.directory.revocations], [])
  network.healBoth('east', 'west')
  await until('the record is there', () => [...west.federation.directory.revocations].length === 1)
})
