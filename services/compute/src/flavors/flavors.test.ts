import assert from 'node:assert/strict'
import test from 'node:test'
import { OTHER_PROJECT_ID, openTestCloud, PROJECT_ID } from '../testing/test-cloud.ts'

const flavor = { name: 'tiny', id: 'tiny', ram: 64, vcpus: 1, disk: 1 }
const post = (body: unknown, token = 'admin', version = '2.1') =>
  ({ method: 'POST', body, token, version }) as const

test('a flavor is made, shown as each version has it, described and deleted', async (t) => {
  const cloud = await openTestCloud(t)
  const created = await cloud.call(
    '/v2.1/flavors',
    post({ flavor: { ...flavor, swap: '0', rxtx_factor: 1.5 } }),
  )
  assert.equal(created.status, 200)
  const old = (await cloud.call('/v2.1/flavors/tiny')).body.flavor
  assert.deepEqual(
    [
      old.ram,
      old.vcpus,
      old.disk,
      old.swap,
      old.rxtx_factor,
      old['os-flavor-access:is_public'],
      'description' in old,
    ],
    [64, 1, 1, '', 1.5, true, false],
  )
  const put = {
    method: 'PUT',
    token: 'admin',
    version: '2.55',
    body: { flavor: { description: 'small' } },
  } as const
  assert.equal((await cloud.call('/v2.1/flavors/tiny', put)).body.flavor.description, 'small')
  const latest = (await cloud.call('/v2.1/flavors/tiny', { version: '2.75' })).body.flavor
  assert.deepEqual([latest.description, latest.swap, latest.extra_specs], ['small', 0, {}])
  assert.equal((await cloud.call('/v2.1/flavors/tiny', { method: 'DELETE', token: 'admin' })).status, 202)
  const gone = await cloud.call('/v2.1/flavors/tiny')
  assert.deepEqual(gone.body, { itemNotFound: { code: 404, message: 'Flavor tiny could not be found.' } })
})

const refused: readonly [why: string, changes: object, status: number, version?: string][] = [
  ['a name that is taken', { name: 'm1.small' }, 409],
  ['an id that is taken', { id: 'small' }, 409],
  ['no RAM', { ram: 0 }, 400],
  ['a bad id', { id: ' x' }, 400],
  ['a description too early', { description: 'x' }, 400, '2.54'],
  ['an unknown field', { colour: 'red' }, 400],
]
for (const [why, changes, status, version] of refused) {
  test(`a flavor with ${why} is ${status}`, async (t) => {
    const cloud = await openTestCloud(t)
    const body = { flavor: { ...flavor, ...changes } }
    assert.equal((await cloud.call('/v2.1/flavors', post(body, 'admin', version))).status, status)
  })
}

test('a list is filtered, sorted and paged', async (t) => {
  const cloud = await openTestCloud(t)
  await cloud.call('/v2.1/flavors', post({ flavor }))
  await cloud.call(
    '/v2.1/flavors',
    post({ flavor: { ...flavor, name: 'hid', id: 'hid', 'os-flavor-access:is_public': false } }),
  )
  const idsOf = async (query: string, token = 'member', version = '2.1') =>
    (await cloud.call(`/v2.1/flavors/detail?${query}`, { token, version })).body.flavors?.map(
      ({ id }: { id: string }) => id,
    )
  assert.deepEqual(await idsOf(''), ['small', 'tiny'])
  assert.deepEqual(await idsOf('is_public=None', 'admin'), ['hid', 'small', 'tiny'])
  assert.deepEqual(await idsOf('is_public=false', 'admin'), ['hid'])
  assert.deepEqual(await idsOf('minRam=100'), ['small'])
  assert.deepEqual(await idsOf('sort_key=memory_mb&sort_dir=asc'), ['tiny', 'small'])
  assert.deepEqual(await idsOf('marker=small'), ['tiny'])
  const page = (await cloud.call('/v2.1/flavors?limit=1')).body
  assert.match(page.flavors_links[0].href, /\/compute\/v2.1\/flavors\?limit=1&marker=small$/)
  for (const bad of ['minRam=x', 'marker=none', 'sort_key=colour', 'limit=-1'])
    assert.equal((await cloud.call(`/v2.1/flavors?${bad}`)).status, 400, bad)
  assert.equal((await cloud.call('/v2.1/flavors?colour=red', { version: '2.75' })).status, 400)
})

test('a flavor that is not public is for those with access, and nobody else can tell that it exists', async (t) => {
  const cloud = await openTestCloud(t)
  await cloud.call('/v2.1/flavors', post({ flavor: { ...flavor, 'os-flavor-access:is_public': false } }))
  assert.equal((await cloud.call('/v2.1/flavors/tiny')).status, 404)
  const act = (body: object, path = 'tiny') =>
    cloud.call(`/v2.1/flavors/${path}/action`, post(body, 'admin', '2.7'))
  const added = await act({ addTenantAccess: { tenant: PROJECT_ID } })
  assert.deepEqual(added.body, { flavor_access: [{ flavor_id: 'tiny', tenant_id: PROJECT_ID }] })
  assert.equal((await act({ addTenantAccess: { tenant: PROJECT_ID } })).status, 409)
  assert.equal((await act({ addTenantAccess: { tenant: PROJECT_ID } }, 'small')).status, 409)
  assert.equal((await act({ explode: {} })).body.badRequest.message, 'There is no such action: explode')
  assert.equal((await cloud.call('/v2.1/flavors/tiny')).status, 200)
  assert.equal((await cloud.call('/v2.1/flavors/tiny', { token: 'other' })).status, 404)
  assert.equal((await act({ removeTenantAccess: { tenant: OTHER_PROJECT_ID } })).status, 404)
  await act({ removeTenantAccess: { tenant: PROJECT_ID } })
  assert.equal((await cloud.call('/v2.1/flavors/tiny')).status, 404)
  assert.equal((await cloud.call('/v2.1/flavors/small/os-flavor-access', { token: 'admin' })).status, 404)
})

test('extra specs are added, changed, shown and deleted one by one', async (t) => {
  const cloud = await openTestCloud(t)
  const path = '/v2.1/flavors/small/os-extra_specs'
  assert.deepEqual((await cloud.call(path, post({ extra_specs: { a: 'b', n: 1 } }))).body, {
    extra_specs: { a: 'b', n: '1' },
  })
  assert.deepEqual((await cloud.call(path)).body, { extra_specs: { 'hw:x': 'y', a: 'b', n: '1' } })
  const put = (body: object) => cloud.call(`${path}/a`, { method: 'PUT', token: 'admin', body })
  assert.deepEqual((await put({ a: 'c' })).body, { a: 'c' })
  assert.equal((await put({ b: 'c' })).status, 400)
  assert.equal((await put({ a: 'c', b: 'c' })).status, 400)
  assert.deepEqual((await cloud.call(`${path}/a`)).body, { a: 'c' })
  assert.equal((await cloud.call(`${path}/a`, { method: 'DELETE', token: 'admin' })).status, 200)
  assert.equal((await cloud.call(`${path}/a`)).status, 404)
})
