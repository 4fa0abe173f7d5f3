/** Every endpoint has a line here: who is let in. One that is added without a line fails. */

import assert from 'node:assert/strict'
import test from 'node:test'
import { IMAGE_ID, openTestCloud, PROJECT_ID, type TestCloud } from './testing/test-cloud.ts'

type Who = 'everyone' | 'readers' | 'members' | 'admins' | 'anonymous' | 'own user'

const newServer = { server: { name: 'x', imageRef: IMAGE_ID, flavorRef: 'small', networks: [] } }
const newFlavor = { flavor: { name: 'f', ram: 1, vcpus: 1, disk: 1 } }
const publicKey = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEfx1cdYHJBhHhPoqUiUjSYvUVFxMrqY1mBMmhkAHhGl'

/** By method and path below `/v2.1`; `body` is what passes validation, so that the policy decides. */
const expectations: Readonly<Record<string, readonly [who: Who, body?: unknown]>> = {
  'GET /': ['anonymous'],
  'GET /v2.1': ['anonymous'],
  'GET /v2.1/': ['anonymous'],
  'GET /servers': ['readers'],
  'GET /servers/detail': ['readers'],
  'POST /servers': ['members', newServer],
  'GET /servers/:server_id': ['readers'],
  'PUT /servers/:server_id': ['members', { server: { name: 'y' } }],
  'DELETE /servers/:server_id': ['members'],
  'POST /servers/:server_id/action': ['members', { 'os-stop': null }],
  'GET /servers/:server_id/metadata': ['readers'],
  'POST /servers/:server_id/metadata': ['members', { metadata: { a: 'b' } }],
  'PUT /servers/:server_id/metadata': ['members', { metadata: { a: 'b' } }],
  'GET /servers/:server_id/metadata/:key': ['readers'],
  'PUT /servers/:server_id/metadata/:key': ['members', { meta: { key: 'b' } }],
  'DELETE /servers/:server_id/metadata/:key': ['members'],
  'GET /servers/:server_id/tags': ['readers'],
  'PUT /servers/:server_id/tags': ['members', { tags: ['a'] }],
  'DELETE /servers/:server_id/tags': ['members'],
  'GET /servers/:server_id/tags/:tag': ['readers'],
  'PUT /servers/:server_id/tags/:tag': ['members'],
  'DELETE /servers/:server_id/tags/:tag': ['members'],
  'GET /servers/:server_id/ips': ['readers'],
  'GET /servers/:server_id/ips/:network': ['readers'],
  'GET /servers/:server_id/os-interface': ['readers'],
  'GET /servers/:server_id/os-interface/:port_id': ['readers'],
  'GET /servers/:server_id/os-instance-actions': ['readers'],
  'GET /servers/:server_id/os-instance-actions/:request_id': ['readers'],
  'GET /flavors': ['everyone'],
  'GET /flavors/detail': ['everyone'],
  'GET /flavors/:flavor_id': ['everyone'],
  'POST /flavors': ['admins', newFlavor],
  'PUT /flavors/:flavor_id': ['admins', { flavor: { description: 'd' } }],
  'DELETE /flavors/:flavor_id': ['admins'],
  'GET /flavors/:flavor_id/os-extra_specs': ['readers'],
  'POST /flavors/:flavor_id/os-extra_specs': ['admins', { extra_specs: { a: 'b' } }],
  'GET /flavors/:flavor_id/os-extra_specs/:key': ['readers'],
  'PUT /flavors/:flavor_id/os-extra_specs/:key': ['admins', { key: 'b' }],
  'DELETE /flavors/:flavor_id/os-extra_specs/:key': ['admins'],
  'GET /flavors/:flavor_id/os-flavor-access': ['admins'],
  'POST /flavors/:flavor_id/action': ['admins', { addTenantAccess: { tenant: 'p' } }],
  'GET /os-keypairs': ['own user'],
  'POST /os-keypairs': ['own user', { keypair: { name: 'k', public_key: publicKey } }],
  'GET /os-keypairs/:name': ['own user'],
  'DELETE /os-keypairs/:name': ['own user'],
  'GET /os-availability-zone': ['everyone'],
  'GET /os-availability-zone/detail': ['admins'],
  'GET /os-hypervisors': ['admins'],
  'GET /os-hypervisors/detail': ['admins'],
  'GET /os-hypervisors/statistics': ['admins'],
  'GET /os-hypervisors/:hypervisor_id': ['admins'],
  'GET /os-services': ['admins'],
  'PUT /os-services/:service_id': ['admins', { host: 'h', binary: 'nova-compute' }],
  'GET /os-quota-sets/:quota_project_id': ['readers'],
  'GET /os-quota-sets/:quota_project_id/detail': ['readers'],
  'GET /os-quota-sets/:quota_project_id/defaults': ['everyone'],
  'PUT /os-quota-sets/:quota_project_id': ['admins', { quota_set: { cores: 5 } }],
  'DELETE /os-quota-sets/:quota_project_id': ['admins'],
  'GET /limits': ['everyone'],
  'GET /os-aggregates': ['admins'],
  'GET /os-server-groups': ['readers'],
  'GET /extensions': ['everyone'],
  'GET /extensions/:alias': ['everyone'],
}

/** Tokens that pass the policy; the rest get 403, and another project's token sees no record: 404 or nothing. */
const letIn: Readonly<Record<Who, readonly string[]>> = {
  anonymous: ['admin', 'member', 'reader', 'other', 'unscoped', ''],
  everyone: ['admin', 'member', 'reader', 'other', 'unscoped'],
  'own user': ['admin', 'member', 'reader', 'other', 'unscoped'],
  readers: ['admin', 'member', 'reader'],
  members: ['admin', 'member'],
  admins: ['admin'],
}

/** The project of the token `other` holds these, too; it fails at the record. */
const isOwned = (path: string) => path.includes(':server_id')

function endpointKeys(cloud: TestCloud): string[] {
  const keys = cloud.api.endpoints
    .filter(({ path }) => !path.includes(':project_id('))
    .map(({ method, path, rule }) => `${method} ${rule === null ? path : path.replace('/v2.1', '')}`)
  return [...new Set(keys)]
}

test('every endpoint says who is let in, and every line has its endpoint', async (t) => {
  const cloud = await openTestCloud(t)
  assert.deepEqual(endpointKeys(cloud).sort(), Object.keys(expectations).sort())
})

test("each path exists with the project in it, too, and only for the token's own project", async (t) => {
  const cloud = await openTestCloud(t)
  const plain = cloud.api.endpoints.filter(
    ({ rule, path }) => rule !== null && !path.includes(':project_id('),
  )
  assert.equal(cloud.api.endpoints.filter(({ path }) => path.includes(':project_id(')).length, plain.length)
  assert.equal((await cloud.call(`/v2.1/${PROJECT_ID}/servers/detail`)).status, 200)
  const reply = await cloud.call('/v2.1/abc/servers')
  assert.deepEqual(reply.body.badRequest, {
    code: 400,
    message: `Malformed request URL: URL's project_id 'abc' doesn't match Context's project_id '${PROJECT_ID}'`,
  })
  const write = await cloud.call('/v2.1/abc/servers', { method: 'POST', body: newServer })
  assert.equal(write.status, 400)
})

for (const [key, [who, body]] of Object.entries(expectations)) {
  const [method = '', path = ''] = key.split(' ')
  test(`${key} lets in ${letIn[who].join(', ')}`, async (t) => {
    const cloud = await openTestCloud(t)
    const id = await cloud.create({ name: 'target', metadata: { key: 'v' } })
    await cloud.run(id)
    for (const token of ['', 'unscoped', 'other', 'reader', 'member', 'admin']) {
      const reply = await cloud.call(concrete(who === 'anonymous' ? path : `/v2.1${path}`, id), {
        method: method as 'GET',
        token,
        version: who === 'admins' && path.startsWith('/os-services') ? '2.1' : '2.57',
        ...(body !== undefined && { body }),
      })
      const allowed = letIn[who].includes(token)
      const isOthers = token === 'other' && letIn[who].includes('member') && who !== 'admins'
      if (token === '' && who !== 'anonymous') assert.equal(reply.status, 401, `${key} without a token`)
      else if (isOthers && isOwned(path)) assert.equal(reply.status, 404, `${key} as another project`)
      else if (isOthers && path.includes(':quota_project_id') && who === 'readers')
        assert.equal(reply.status, 403, key)
      else if (isOthers)
        assert.ok(reply.status < 400 || reply.status === 404, `${key} as other: ${reply.status}`)
      else if (allowed) assert.ok(![401, 403].includes(reply.status), `${key} as ${token}: ${reply.status}`)
      else assert.equal(reply.status, 403, `${key} as ${token}`)
    }
  })
}

function concrete(path: string, serverId: string): string {
  const values: Readonly<Record<string, string>> = {
    ':server_id': serverId,
    ':flavor_id': 'small',
    ':quota_project_id': PROJECT_ID,
    ':key': 'key',
    ':service_id': 'enable',
    ':alias': 'os-keypairs',
  }
  return path.replaceAll(/:\w+/g, (name) => values[name] ?? 'a')
}
