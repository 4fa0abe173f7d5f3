import assert from 'node:assert/strict'
import test from 'node:test'
import { openImages } from '../testing.ts'

test('a shared image is seen by id at once and in lists when it was accepted', async (t) => {
  const { call, create } = await openImages(t)
  const id = await create()
  const all = `/v2/images/${id}/members`
  const listed = async (query = '') => (await call('other', 'GET', `/v2/images${query}`)).json.images.length
  assert.equal((await call('other', 'GET', `/v2/images/${id}`)).status, 404)
  const added = await call('owner', 'POST', all, { body: { member: 'p2' } })
  assert.deepEqual(
    [added.status, added.json.status, added.json.member_id, added.json.image_id],
    [200, 'pending', 'p2', id],
  )
  assert.equal((await call('other', 'GET', `/v2/images/${id}`)).status, 200)
  assert.deepEqual(
    [await listed(), await listed('?member_status=pending'), await listed('?member_status=all')],
    [0, 1, 1],
  )
  const accepted = await call('other', 'PUT', `${all}/p2`, { body: { status: 'accepted' } })
  assert.deepEqual([accepted.status, accepted.json.status], [200, 'accepted'])
  assert.deepEqual([await listed(), await listed('?visibility=shared&limit=1')], [1, 1])
  await call('other', 'PUT', `${all}/p2`, { body: { status: 'rejected' } })
  assert.equal(await listed(), 0)
  assert.equal((await call('owner', 'DELETE', `${all}/p2`)).status, 204)
  assert.equal((await call('other', 'GET', `/v2/images/${id}`)).status, 404)
})

test('who may say what of members', async (t) => {
  const { call, create } = await openImages(t)
  const id = await create()
  const all = `/v2/images/${id}/members`
  await call('owner', 'POST', all, { body: { member: 'p2' } })
  await call('owner', 'POST', all, { body: { member: 'p3' } })
  const count = async (person: 'owner' | 'other' | 'admin') =>
    (await call(person, 'GET', all)).json.members.length
  assert.deepEqual([await count('owner'), await count('other'), await count('admin')], [2, 1, 2])
  assert.equal((await call('other', 'GET', `${all}/p3`)).status, 404)
  assert.equal((await call('other', 'PUT', `${all}/p3`, { body: { status: 'accepted' } })).status, 404)
  assert.equal((await call('owner', 'PUT', `${all}/p2`, { body: { status: 'accepted' } })).status, 403)
  assert.equal((await call('other', 'POST', all, { body: { member: 'p4' } })).status, 403)
  assert.equal((await call('other', 'DELETE', `${all}/p3`)).status, 403)
  assert.equal((await call('owner', 'POST', all, { body: { member: 'p2' } })).status, 409)
  assert.equal((await call('owner', 'DELETE', `${all}/p9`)).status, 404)
})

test('members that cannot be are refused', async (t) => {
  const { call, create } = await openImages(t)
  const id = await create()
  const all = `/v2/images/${id}/members`
  for (const body of [[], {}, { member: '' }, { member: 7 }, { member: 'a b' }, { member: '%' }])
    assert.equal((await call('owner', 'POST', all, { body })).status, 400, JSON.stringify(body))
  await call('owner', 'POST', all, { body: { member: 'p2' } })
  for (const body of [{}, { status: 'maybe' }, { status: 1 }])
    assert.equal((await call('other', 'PUT', `${all}/p2`, { body })).status, 400)
  const own = await create({ visibility: 'private' })
  const reply = await call('owner', 'POST', `/v2/images/${own}/members`, { body: { member: 'p2' } })
  assert.deepEqual([reply.status, reply.json.message], [403, 'Only shared images have members.'])
  for (let n = 0; n < 127; n++) await call('owner', 'POST', all, { body: { member: `m${n}` } })
  assert.equal((await call('owner', 'POST', all, { body: { member: 'one-more' } })).status, 413)
})

test('a member of an image sees it only while it is shared', async (t) => {
  const { call, create } = await openImages(t)
  const id = await create()
  await call('owner', 'POST', `/v2/images/${id}/members`, { body: { member: 'p2' } })
  const headers = { 'content-type': 'application/openstack-images-v2.1-json-patch' }
  for (const [value, status] of [
    ['private', 404],
    ['shared', 200],
  ] as const) {
    const body = [{ op: 'replace', path: '/visibility', value }]
    await call('owner', 'PATCH', `/v2/images/${id}`, { body, headers })
    assert.equal((await call('other', 'GET', `/v2/images/${id}`)).status, status)
  }
})
