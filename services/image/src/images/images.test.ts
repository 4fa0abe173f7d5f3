import assert from 'node:assert/strict'
import test from 'node:test'
import { openImages, type Person } from '../testing.ts'

const V20 = 'application/openstack-images-v2.0-json-patch'
const V21 = 'application/openstack-images-v2.1-json-patch'

test('discovery needs no token and announces only v2', async (t) => {
  const { call } = await openImages(t)
  for (const [path, status] of [
    ['', 300],
    ['/', 300],
    ['/versions', 200],
  ] as const) {
    const reply = await call(undefined, 'GET', path)
    assert.equal(reply.status, status)
    const { versions } = reply.json
    assert.deepEqual([versions[0]?.id, versions[0]?.status], ['v2.7', 'CURRENT'])
    assert.match(String(versions[0]?.links[0]?.href), /\/image\/v2\/$/)
  }
})

test('schemas tell base properties from others', async (t) => {
  const { call } = await openImages(t)
  for (const name of ['image', 'images', 'member', 'members']) {
    const reply = await call('reader', 'GET', `/v2/schemas/${name}`)
    assert.deepEqual([reply.status, reply.json.name], [200, name])
  }
})

test('an image is made queued, shared and with properties at the top level', async (t) => {
  const { call } = await openImages(t)
  const body = {
    name: 'debian',
    disk_format: 'qcow2',
    container_format: 'bare',
    tags: ['a', 'a'],
    hw_disk_bus: 'scsi',
  }
  const reply = await call('owner', 'POST', '/v2/images', { body })
  assert.equal(reply.status, 201)
  const { id, created_at } = reply.json
  assert.match(String(reply.headers.location), new RegExp(`/image/v2/images/${id}$`))
  assert.equal(reply.headers['openstack-image-import-methods'], undefined)
  assert.match(String(created_at), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
  const { created_at: _, updated_at: __, ...shown } = (await call('owner', 'GET', `/v2/images/${id}`)).json
  assert.deepEqual(shown, {
    hw_disk_bus: 'scsi',
    name: 'debian',
    disk_format: 'qcow2',
    container_format: 'bare',
    visibility: 'shared',
    size: null,
    virtual_size: null,
    status: 'queued',
    checksum: null,
    protected: false,
    min_ram: 0,
    min_disk: 0,
    owner: 'p1',
    os_hidden: false,
    os_hash_algo: null,
    os_hash_value: null,
    id,
    tags: ['a'],
    self: `/v2/images/${id}`,
    file: `/v2/images/${id}/file`,
    schema: '/v2/schemas/image',
  })
})

const ID = '11111111-2222-4333-8444-555555555555'
test('an id of the client is taken once, even after the image was deleted', async (t) => {
  const { call, create } = await openImages(t)
  assert.equal(await create({ id: ID }), ID)
  const again = await call('other', 'POST', '/v2/images', { body: { id: ID } })
  assert.deepEqual([again.status, again.json.message], [409, `Image ID ${ID} already exists!`])
  assert.equal((await call('owner', 'DELETE', `/v2/images/${ID}`)).status, 204)
  assert.equal((await call('owner', 'POST', '/v2/images', { body: { id: ID } })).status, 409)
})

const refusedCreates: readonly [
  why: string,
  person: Person,
  body: unknown,
  status: number,
  message: RegExp,
][] = [
  ['no object', 'owner', [], 400, /does not match schema 'image'/],
  ['bad format', 'owner', { disk_format: 'zip' }, 400, /'zip' is not one of/],
  ['bad id', 'owner', { id: 'x' }, 400, /does not match/],
  ['long name', 'owner', { name: 'n'.repeat(256) }, 400, /is too long/],
  ['number as property', 'owner', { own: 7 }, 400, /7 is not of type 'string'/],
  ['negative RAM', 'owner', { min_ram: -1 }, 400, /less than the minimum/],
  ['read-only', 'owner', { status: 'active' }, 403, /^Attribute 'status' is read-only\.$/],
  ['reserved', 'owner', { os_glance_x: 'y' }, 403, /^Attribute 'os_glance_x' is reserved\.$/],
  ['locations', 'owner', { locations: [] }, 403, /locations are invisible/],
  ['public', 'owner', { visibility: 'public' }, 403, /publicize_image action/],
  ['foreign owner', 'owner', { owner: 'p2' }, 403, /add_image action/],
  [
    'many tags',
    'owner',
    { tags: Array.from({ length: 129 }, (_, n) => `t${n}`) },
    413,
    /Attempted: 129, Maximum: 128/,
  ],
  [
    'many properties',
    'owner',
    Object.fromEntries(Array.from({ length: 129 }, (_, n) => [`p${n}`, ''])),
    413,
    /allowed image properties/,
  ],
]
for (const [why, person, body, status, message] of refusedCreates) {
  test(`create is refused: ${why}`, async (t) => {
    const { call } = await openImages(t)
    const reply = await call(person, 'POST', '/v2/images', { body })
    assert.equal(reply.status, status)
    assert.match(reply.json.message, message)
    assert.deepEqual((await call('admin', 'GET', '/v2/images')).json.images, [])
  })
}

test('a patch changes attributes and properties, all or none', async (t) => {
  const { call, create } = await openImages(t)
  const id = await create({ own: 'a' })
  const patch = (body: unknown, type = V21, person: Person = 'owner') =>
    call(person, 'PATCH', `/v2/images/${id}`, { body, headers: { 'content-type': type } })
  const changed = await patch([
    { op: 'replace', path: '/name', value: 'new' },
    { op: 'add', path: '/a~1b~0', value: 'x' },
    { op: 'remove', path: '/own' },
    { op: 'replace', path: '/tags', value: ['t'] },
    { op: 'add', path: '/min_disk', value: 3 },
    { op: 'replace', path: '/visibility', value: 'community' },
  ])
  assert.equal(changed.status, 200)
  const { name, own, tags, min_disk, visibility } = changed.json as Record<string, unknown>
  assert.deepEqual(
    [name, changed.json['a/b~'], own, tags, min_disk, visibility],
    ['new', 'x', undefined, ['t'], 3, 'community'],
  )
  const failed = await patch([
    { op: 'replace', path: '/name', value: 'no' },
    { op: 'remove', path: '/absent' },
  ])
  assert.deepEqual([failed.status, failed.json.message], [409, 'Property absent does not exist.'])
  assert.equal((await call('owner', 'GET', `/v2/images/${id}`)).json.name, 'new')
  assert.equal((await patch([{ add: '/old', value: 'form' }], V20)).json.old, 'form')
  assert.equal((await patch([{ add: '/old', value: 'form' }], V20)).status, 409)
  assert.equal((await patch([{ op: 'add', path: '/old', value: 'again' }])).json.old, 'again')
})

const refusedPatches: readonly [
  why: string,
  body: unknown,
  status: number,
  message: RegExp,
  person?: Person,
  type?: string,
][] = [
  ['no array', {}, 400, /must be a JSON array/],
  ['no object', ['x'], 400, /Operations must be JSON objects\./],
  ['no op', [{ path: '/name', value: 'x' }], 400, /Unable to find 'op'/],
  ['another op', [{ op: 'move', path: '/name', value: 'x' }], 400, /Invalid operation: `move`/],
  [
    'an op that is no text',
    [{ op: { a: 1 }, path: '/name', value: 'x' }],
    400,
    /Invalid operation: `\{"a":1\}`/,
  ],
  ['a pointer that is no text', [{ op: 'add', path: {}, value: 'x' }], 400, /Pointer `\{\}` does not start/],
  ['no pointer', [{ op: 'add', path: 'name', value: 'x' }], 400, /does not start with/],
  ['deep pointer', [{ op: 'add', path: '/a/b', value: 'x' }], 400, /Invalid JSON pointer/],
  ['bad escape', [{ op: 'add', path: '/a~2', value: 'x' }], 400, /escape sequence/],
  ['no value', [{ op: 'add', path: '/a' }], 400, /requires a member named "value"/],
  ['wrong type', [{ op: 'replace', path: '/protected', value: 'yes' }], 400, /not of type 'boolean'/],
  ['read-only', [{ op: 'replace', path: '/size', value: 1 }], 403, /^Attribute 'size' is read-only\.$/],
  ['id', [{ op: 'replace', path: '/id', value: ID }], 403, /^Attribute 'id' is read-only\.$/],
  ['base attribute removed', [{ op: 'remove', path: '/name' }], 403, /Property name may not be removed/],
  ['owner', [{ op: 'replace', path: '/owner', value: 'p2' }], 403, /Owner can't be updated by non admin/],
  ['public', [{ op: 'replace', path: '/visibility', value: 'public' }], 403, /publicize_image/],
  ['other project', [{ op: 'replace', path: '/name', value: 'x' }], 404, /No image found with ID/, 'other'],
  ['two ops of the draft', [{ add: '/a', remove: '/b' }], 400, /only one member/, 'owner', V20],
  ['plain JSON', [], 415, /Image PATCH expects Content-Type/, 'owner', 'application/json'],
]
for (const [why, body, status, message, person = 'owner', type = V21] of refusedPatches) {
  test(`patch is refused: ${why}`, async (t) => {
    const { call, create } = await openImages(t)
    const id = await create()
    const reply = await call(person, 'PATCH', `/v2/images/${id}`, { body, headers: { 'content-type': type } })
    assert.equal(reply.status, status)
    assert.match(reply.json.message, message)
    assert.equal((await call('owner', 'GET', `/v2/images/${id}`)).json.name, 'image')
  })
}

test('a protected image stays, an unprotected one goes', async (t) => {
  const { call, create } = await openImages(t)
  const id = await create({ protected: true })
  const refused = await call('owner', 'DELETE', `/v2/images/${id}`)
  assert.deepEqual(
    [refused.status, refused.json.message],
    [403, `Image ${id} is protected and cannot be deleted.`],
  )
  const body = [{ op: 'replace', path: '/protected', value: false }]
  await call('owner', 'PATCH', `/v2/images/${id}`, { body, headers: { 'content-type': V21 } })
  assert.equal((await call('owner', 'DELETE', `/v2/images/${id}`)).status, 204)
  assert.equal((await call('owner', 'GET', `/v2/images/${id}`)).status, 404)
})

test('a public image is seen by all and changed by its owner only', async (t) => {
  const { call, create } = await openImages(t)
  const id = await create({ visibility: 'public' }, 'admin')
  assert.equal((await call('other', 'GET', `/v2/images/${id}`)).status, 200)
  const reply = await call('other', 'DELETE', `/v2/images/${id}`)
  assert.deepEqual(
    [reply.status, reply.json.message],
    [403, 'You are not authorized to complete delete_image action.'],
  )
})

test('tags come and go one by one', async (t) => {
  const { call, create } = await openImages(t)
  const id = await create()
  assert.equal((await call('owner', 'PUT', `/v2/images/${id}/tags/a%20b`)).status, 204)
  assert.equal((await call('owner', 'PUT', `/v2/images/${id}/tags/a%20b`)).status, 204)
  assert.deepEqual((await call('owner', 'GET', `/v2/images/${id}`)).json.tags, ['a b'])
  assert.equal((await call('owner', 'DELETE', `/v2/images/${id}/tags/a%20b`)).status, 204)
  assert.equal((await call('owner', 'DELETE', `/v2/images/${id}/tags/a%20b`)).status, 404)
  assert.equal((await call('owner', 'PUT', `/v2/images/${id}/tags/${'x'.repeat(256)}`)).status, 400)
})
