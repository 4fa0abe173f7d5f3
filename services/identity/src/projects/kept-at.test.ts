import assert from 'node:assert/strict'
import test from 'node:test'
import { openTestIdentity, PASSWORD } from '../testing.ts'
import type { RecordSites } from './kept-at.ts'

const attribute = 'atoll:sites'

/** An identity service of a cloud with the sites east and west; `homes.outside` records are at sites that are left. */
async function open(t: test.TestContext) {
  const homes = { outside: 0 }
  const recordSites: RecordSites = {
    isSite: (name) => ['east', 'west'].includes(name),
    countOutside: async () => homes.outside,
  }
  const identity = await openTestIdentity(t, { recordSites })
  const patch = (id: string, sites: unknown, token = identity.admin) =>
    identity.call('PATCH', `/v3/projects/${id}`, { token, body: { project: { [attribute]: sites } } })
  const show = async (id: string) =>
    (await identity.call('GET', `/v3/projects/${id}`, { token: identity.admin })).body.project[attribute]
  return { identity, homes, patch, show }
}

test('a project says where its records are kept, and shows it', async (t) => {
  const { identity, patch, show } = await open(t)
  const scoped = await identity.create('project', { name: 'acme', [attribute]: 'west, east,west' })
  assert.equal(await show(scoped), 'east,west')
  const free = await identity.create('project', { name: 'free' })
  assert.equal(await show(free), undefined)
  assert.equal((await patch(free, 'east')).body.project[attribute], 'east')
  assert.equal((await patch(free, '*')).body.project[attribute], undefined)
  assert.equal((await patch(scoped, null)).status, 200)
  assert.equal(await show(scoped), undefined)
})

test('what names no site is refused, and nothing is written', async (t) => {
  const { identity, patch, show } = await open(t)
  const id = await identity.create('project', { name: 'acme', [attribute]: 'east' })
  for (const wrong of ['', ',', 'atlantis', 'east,atlantis', 'East', 5, ['east'], 'east,*']) {
    const refused = await patch(id, wrong)
    assert.equal(refused.status, 400, JSON.stringify(wrong))
    assert.equal(refused.body.error.title, 'Bad Request')
  }
  assert.equal(await show(id), 'east')
})

test('only who may update a project says where its records are kept', async (t) => {
  const { identity, patch, show } = await open(t)
  const id = await identity.create('project', { name: 'acme', [attribute]: 'east' })
  const user = await identity.create('user', { name: 'ann', password: PASSWORD })
  await identity.grant({ role: 'member', user, project: id })
  const token = await identity.login({ user, project: id })
  assert.equal((await patch(id, 'west', token)).status, 403)
  assert.equal(await show(id), 'east')
})

test('a project does not leave a site where its records have their home', async (t) => {
  const { identity, homes, patch, show } = await open(t)
  const id = await identity.create('project', { name: 'acme' })
  homes.outside = 3
  const refused = await patch(id, 'east')
  assert.equal(refused.status, 409)
  assert.match(refused.body.error.message, /^3 records .* other than east/)
  assert.equal(await show(id), undefined)
  homes.outside = 0
  assert.equal((await patch(id, 'east')).status, 200)
  homes.outside = 1
  assert.equal((await patch(id, 'east,west')).status, 200)
})
