/** The life of servers through the API. One file because each case walks through create, act, report and delete. */

import assert from 'node:assert/strict'
import test from 'node:test'
import { hosts, servers } from '../records.ts'
import { reportError, reportRebooted, reportStopped } from '../reports.ts'
import { FULL_NETWORK_ID, fakePorts } from '../testing/fake-network.ts'
import {
  IMAGE_ID,
  minimalServer,
  openTestCloud,
  PROJECT_ID,
  scope,
  type TestCloud,
} from '../testing/test-cloud.ts'

const post = (body: unknown, more: object = {}) => ({ method: 'POST', body, ...more }) as const
const act = (cloud: TestCloud, id: string, body: unknown) =>
  cloud.call(`/v2.1/servers/${id}/action`, post(body))

async function usedOf(cloud: TestCloud) {
  const rows = await cloud.state.select(scope, hosts).selectAll().execute()
  const sum = (key: 'vcpus_used' | 'ram_mib_used' | 'disk_gib_used' | 'servers_count') =>
    rows.reduce((total, row) => total + row[key], 0)
  return [sum('vcpus_used'), sum('ram_mib_used'), sum('disk_gib_used'), sum('servers_count')]
}

test('a server is created, becomes active with its addresses, and is shown as Nova shows it', async (t) => {
  const cloud = await openTestCloud(t)
  const created = await cloud.call('/v2.1/servers', post({ server: minimalServer }))
  const { id } = created.body.server
  assert.equal(created.status, 202)
  assert.deepEqual(Object.keys(created.body.server), ['id', 'links', 'OS-DCF:diskConfig', 'security_groups'])
  assert.match(String(created.headers.location), new RegExp(`/compute/v2.1/servers/${id}$`))
  const building = (await cloud.call(`/v2.1/servers/${id}`)).body.server
  assert.deepEqual([building.status, building.addresses, building.progress], ['BUILD', {}, 0])
  await cloud.run(id)
  const { server } = (await cloud.call(`/v2.1/servers/${id}`)).body
  assert.equal(server.status, 'ACTIVE')
  assert.deepEqual(server.addresses, {
    private: [
      {
        version: 4,
        addr: '10.0.0.7',
        'OS-EXT-IPS:type': 'fixed',
        'OS-EXT-IPS-MAC:mac_addr': 'fa:16:3e:00:00:07',
      },
    ],
  })
  assert.match(server.hostId, /^[0-9a-f]{56}$/)
  assert.match(server.created, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
  assert.deepEqual(
    [server['OS-EXT-STS:vm_state'], server['OS-EXT-STS:task_state'], server['OS-EXT-STS:power_state']],
    ['active', null, 1],
  )
  assert.deepEqual([server.flavor.id, server.image.id, server.tenant_id], ['small', IMAGE_ID, PROJECT_ID])
  assert.equal(server['OS-EXT-SRV-ATTR:host'], undefined)
  const admin = (await cloud.call(`/v2.1/servers/${id}`, { token: 'admin', version: '2.85' })).body.server
  assert.match(admin['OS-EXT-SRV-ATTR:host'], /^east-h[12]$/)
  assert.deepEqual(
    [admin.host_status, admin.flavor.original_name, admin.locked, admin.tags, admin.server_groups],
    ['UP', 'm1.small', false, [], []],
  )
})

const shownSince: readonly [version: string, before: string, key: string][] = [
  ['2.9', '2.8', 'locked'],
  ['2.19', '2.18', 'description'],
  ['2.26', '2.25', 'tags'],
  ['2.63', '2.62', 'trusted_image_certificates'],
  ['2.71', '2.70', 'server_groups'],
  ['2.73', '2.72', 'locked_reason'],
]
for (const [version, before, key] of shownSince) {
  test(`a server shows ${key} since ${version}`, async (t) => {
    const cloud = await openTestCloud(t)
    const id = await cloud.create()
    assert.ok(key in (await cloud.call(`/v2.1/servers/${id}`, { version })).body.server)
    assert.ok(!(key in (await cloud.call(`/v2.1/servers/${id}`, { version: before })).body.server))
  })
}

const refused: readonly [why: string, changes: object, status: number, message: RegExp, version?: string][] =
  [
    ['no name', { name: undefined }, 400, /'name' is a required property/],
    [
      'an unknown field',
      { tags: ['a'] },
      400,
      /^Additional properties are not allowed \('tags' was unexpected\)$/,
    ],
    ['an unknown flavor', { flavorRef: 'huge' }, 400, /^Flavor huge could not be found\.$/],
    [
      'an unknown image',
      { imageRef: '00000000-0000-4000-8000-000000000000' },
      400,
      /^Can not find requested image$/,
    ],
    ['no image', { imageRef: undefined }, 400, /^Invalid imageRef provided\.$/],
    ['an unknown key', { key_name: 'nobody' }, 400, /^Invalid key_name provided\.$/],
    [
      'an unknown zone',
      { availability_zone: 'mars' },
      400,
      /^The requested availability zone is not available$/,
    ],
    ['a forced host by a member', { availability_zone: 'east:east-h1' }, 403, /create:forced_host/],
    [
      'an unknown network',
      { networks: [{ uuid: '44444444-4444-4444-8444-444444444444' }] },
      400,
      /could not be found/,
    ],
    ['no address left', { networks: [{ uuid: FULL_NETWORK_ID }] }, 409, /No more IP addresses/],
    ['bad user data', { user_data: '%%%' }, 400, /is not a 'base64'/],
    ['too much user data', { user_data: 'a'.repeat(65_536) }, 400, /is too long/],
    ['bad metadata', { metadata: { 'a/b': 'c' } }, 400, /Additional properties are not allowed/],
    [
      'more than the quota',
      { min_count: 11 },
      403,
      /^Quota exceeded for instances: Requested 11, but already used 0 of 10 instances$/,
    ],
    ['minimum over maximum', { min_count: 3, max_count: 2 }, 400, /^min_count must be <= max_count$/],
    [
      'a volume',
      { block_device_mapping_v2: [{ source_type: 'volume', uuid: IMAGE_ID, boot_index: 0 }] },
      400,
      /no volumes/,
    ],
    ['files to inject', { personality: [{}] }, 403, /^Personality file limit exceeded$/],
    ['files to inject when there are none', { personality: [] }, 400, /'personality' was unexpected/, '2.57'],
    ['networks not named', { networks: undefined }, 400, /'networks' is a required property/, '2.37'],
    ['certificates', { trusted_image_certificates: ['c1'] }, 400, /certificate validation failed/, '2.63'],
    ['a chosen host by a member', { host: 'east-h1' }, 403, /requested_destination/, '2.74'],
  ]
for (const [why, changes, status, message, version] of refused) {
  test(`a create with ${why} is ${status}, and nothing is written`, async (t) => {
    const cloud = await openTestCloud(t)
    const body = { server: { ...minimalServer, ...changes } }
    const reply = await cloud.call('/v2.1/servers', post(body, version ? { version } : {}))
    assert.equal(reply.status, status, JSON.stringify(reply.body))
    const [fault] = Object.values(reply.body) as { code: number; message: string }[]
    assert.match(fault?.message ?? '', message)
    assert.deepEqual(await usedOf(cloud), [0, 0, 0, 0])
    assert.equal((await cloud.state.select(scope, servers).selectAll().execute()).length, 0)
    assert.equal((await cloud.state.select(scope, fakePorts).selectAll().execute()).length, 0)
  })
}

test('what a client gave is kept and shown', async (t) => {
  const cloud = await openTestCloud(t)
  const id = await cloud.create(
    {
      name: 'My VM_1',
      description: 'mine',
      tags: ['a', 'b'],
      metadata: { k: 'v' },
      security_groups: [{ name: 'web' }],
      'OS-DCF:diskConfig': 'AUTO',
      config_drive: 'True',
      user_data: 'aGVsbG8=',
      accessIPv4: '192.0.2.9',
      networks: 'auto',
    },
    { version: '2.52' },
  )
  const { server } = (await cloud.call(`/v2.1/servers/${id}`, { version: '2.85', token: 'admin' })).body
  assert.deepEqual(
    [server.description, server.tags, server.metadata, server.security_groups, server.config_drive],
    ['mine', ['a', 'b'], { k: 'v' }, [{ name: 'web' }], 'True'],
  )
  assert.deepEqual(
    [
      server['OS-EXT-SRV-ATTR:hostname'],
      server['OS-EXT-SRV-ATTR:user_data'],
      server.accessIPv4,
      server['OS-DCF:diskConfig'],
    ],
    ['my-vm-1', 'aGVsbG8=', '192.0.2.9', 'AUTO'],
  )
})

test('a server may join no network, and one that it names by port', async (t) => {
  const cloud = await openTestCloud(t)
  const lonely = await cloud.create({ networks: 'none' }, { version: '2.37' })
  assert.deepEqual((await cloud.row(lonely)).port_ids, [])
  const port = await cloud.state.transaction((transaction) =>
    transaction.insert(fakePorts, {
      network_id: 'n',
      device_id: '',
      ip_address: '10.0.0.9',
      device_owner: '',
      tags: [],
    }),
  )
  const id = await cloud.create({ networks: [{ port: port.id, tag: 'nic1' }] }, { version: '2.42' })
  const { port_ids, own_port_ids } = await cloud.row(id)
  assert.deepEqual([port_ids, own_port_ids], [[port.id], []])
  const [attached] = (await cloud.call(`/v2.1/servers/${id}/os-interface`, { version: '2.70' })).body
    .interfaceAttachments
  assert.deepEqual([attached.port_id, attached.tag], [port.id, 'nic1'])
  await cloud.call(`/v2.1/servers/${id}`, { method: 'DELETE' })
  await cloud.finishDeletion(id)
  assert.equal((await cloud.state.find(scope, fakePorts, port.id))?.device_id, '')
})

test('several servers of one request share a reservation and are numbered', async (t) => {
  const cloud = await openTestCloud(t)
  const body = { server: { ...minimalServer, min_count: 2, max_count: 3, return_reservation_id: true } }
  const reply = await cloud.call('/v2.1/servers', post(body))
  assert.match(reply.body.reservation_id, /^r-[0-9a-f]{8}$/)
  const rows = await cloud.state.select(scope, servers).selectAll().orderBy('launch_index').execute()
  assert.deepEqual(
    rows.map(({ name, reservation_id }) => [name, reservation_id]),
    ['vm-1', 'vm-2', 'vm-3'].map((name) => [name, reply.body.reservation_id]),
  )
  assert.deepEqual(await usedOf(cloud), [3, 1536, 3, 3])
})

test('of a wish beyond the quota as many are made as it allows, if that is enough', async (t) => {
  const cloud = await openTestCloud(t)
  await cloud.create({ min_count: 2, max_count: 50 })
  assert.equal((await cloud.state.select(scope, servers).selectAll().execute()).length, 10)
  const reply = await cloud.call('/v2.1/servers', post({ server: minimalServer }))
  assert.equal(reply.status, 403)
  assert.equal(
    reply.body.forbidden.message,
    'Quota exceeded for instances: Requested 1, but already used 10 of 10 instances',
  )
})

test('no host is ever over-committed, however many ask at once; the rest are recorded in ERROR', async (t) => {
  const cloud = await openTestCloud(t, { hostsCount: 3, host: { ram_mib: 1100 } })
  await cloud.call(`/v2.1/os-quota-sets/${PROJECT_ID}`, {
    method: 'PUT',
    token: 'admin',
    body: { quota_set: { instances: -1, cores: -1, ram: -1 } },
  })
  const replies = await Promise.all(
    Array.from({ length: 12 }, () => cloud.call('/v2.1/servers', post({ server: minimalServer }))),
  )
  assert.deepEqual(new Set(replies.map(({ status }) => status)), new Set([202]))
  const rows = await cloud.state.select(scope, hosts).selectAll().execute()
  assert.deepEqual(
    rows.map(({ ram_mib_used, servers_count }) => [ram_mib_used, servers_count]),
    [
      [1024, 2],
      [1024, 2],
      [1024, 2],
    ],
  )
  const failed = (await cloud.call('/v2.1/servers/detail?status=ERROR')).body.servers
  assert.equal(failed.length, 6)
  assert.match(failed[0].fault.message, /^No valid host was found\./)
  assert.equal(failed[0].fault.code, 500)
})

test('a deleted server gives back its host, its quota and its ports, once its guest is gone', async (t) => {
  const cloud = await openTestCloud(t)
  const id = await cloud.create()
  await cloud.run(id)
  const remove = () => cloud.call(`/v2.1/servers/${id}`, { method: 'DELETE' })
  assert.equal((await remove()).status, 204)
  assert.equal((await remove()).status, 204)
  const { server } = (await cloud.call(`/v2.1/servers/${id}`)).body
  assert.equal(server['OS-EXT-STS:task_state'], 'deleting')
  assert.deepEqual(await usedOf(cloud), [1, 512, 1, 1])
  await cloud.finishDeletion(id)
  await cloud.finishDeletion(id)
  assert.deepEqual(await usedOf(cloud), [0, 0, 0, 0])
  assert.equal((await cloud.state.select(scope, fakePorts).selectAll().execute()).length, 0)
  const { absolute } = (await cloud.call('/v2.1/limits')).body.limits
  assert.deepEqual([absolute.totalInstancesUsed, absolute.totalCoresUsed], [0, 0])
  assert.equal((await remove()).status, 404)
  const gone = await cloud.call(`/v2.1/servers/${id}`)
  assert.deepEqual(gone.body, { itemNotFound: { code: 404, message: `Instance ${id} could not be found.` } })
  await cloud.create({ min_count: 10 })
})

test('a server that is not to be deleted is not removed by a late report', async (t) => {
  const cloud = await openTestCloud(t)
  const id = await cloud.create()
  await cloud.finishDeletion(id)
  assert.equal((await cloud.row(id)).vm_state, 'building')
})

test('a server without a host goes at once', async (t) => {
  const cloud = await openTestCloud(t, { hostsCount: 1, host: { enabled: false } })
  const id = await cloud.create()
  assert.equal((await cloud.row(id)).vm_state, 'error')
  await cloud.call(`/v2.1/servers/${id}`, { method: 'DELETE' })
  assert.equal((await cloud.call(`/v2.1/servers/${id}`)).status, 404)
})

test('stop, start and reboot say what is wanted, and are refused in the wrong state', async (t) => {
  const cloud = await openTestCloud(t)
  const id = await cloud.create()
  const message = async (body: unknown) => {
    const reply = await act(cloud, id, body)
    return [reply.status, reply.body?.conflictingRequest?.message]
  }
  assert.deepEqual(await message({ 'os-stop': null }), [
    409,
    `Cannot 'stop' instance ${id} while it is in vm_state building`,
  ])
  await cloud.run(id)
  assert.deepEqual(await message({ 'os-stop': null }), [202, undefined])
  assert.deepEqual(await message({ reboot: { type: 'SOFT' } }), [
    409,
    `Cannot 'reboot' instance ${id} while it is in task_state powering-off`,
  ])
  await reportStopped(cloud.state, id, 1, { byGuest: false })
  assert.equal((await cloud.call(`/v2.1/servers/${id}`)).body.server.status, 'SHUTOFF')
  assert.deepEqual(await message({ 'os-stop': null }), [
    409,
    `Cannot 'stop' instance ${id} while it is in vm_state stopped`,
  ])
  assert.deepEqual(await message({ 'os-start': null }), [202, undefined])
  const started = await cloud.row(id)
  assert.deepEqual([started.intent, started.task_state, started.fence], ['running', 'powering-on', 2])
  await reportStopped(cloud.state, id, 1, { byGuest: true })
  assert.equal((await cloud.row(id)).intent, 'running')
  await cloud.run(id)
  assert.deepEqual(await message({ reboot: { type: 'HARD' } }), [202, undefined])
  assert.equal((await cloud.call(`/v2.1/servers/${id}`)).body.server.status, 'HARD_REBOOT')
  await cloud.run(id)
  assert.equal((await cloud.row(id)).task_state, 'rebooting_hard')
  await reportRebooted(cloud.state, id, 2, 1)
  assert.equal((await cloud.call(`/v2.1/servers/${id}`)).body.server.status, 'ACTIVE')
})

test('reports repeat without writing, and an error shows its fault', async (t) => {
  const cloud = await openTestCloud(t)
  const id = await cloud.create()
  await cloud.run(id)
  const { seq } = await cloud.row(id)
  await cloud.run(id)
  assert.equal((await cloud.row(id)).seq, seq)
  await reportError(cloud.state, id, new Error('secret path /etc'))
  const { server } = (await cloud.call(`/v2.1/servers/${id}`)).body
  assert.deepEqual([server.status, server.fault.code], ['ERROR', 500])
  assert.doesNotMatch(JSON.stringify(server), /secret/)
  await reportError(cloud.state, 'nobody', new Error('no'))
})

test('an action that is not offered, and one with a bad argument, are 400', async (t) => {
  const cloud = await openTestCloud(t)
  const id = await cloud.create()
  const unknown = await act(cloud, id, { migrate: null })
  assert.deepEqual(unknown.body, { badRequest: { code: 400, message: 'There is no such action: migrate' } })
  assert.equal((await act(cloud, id, { reboot: { type: 'warm' } })).status, 400)
  assert.equal((await act(cloud, id, { 'os-start': null, 'os-stop': null })).status, 400)
  assert.equal((await act(cloud, id, {})).status, 400)
})

test('the console is answered without control characters, as many lines as asked', async (t) => {
  const cloud = await openTestCloud(t)
  const id = await cloud.create()
  assert.equal((await act(cloud, id, { 'os-getConsoleOutput': {} })).status, 409)
  await cloud.run(id)
  const reply = await act(cloud, id, { 'os-getConsoleOutput': { length: '5' } })
  assert.deepEqual([reply.status, reply.body], [200, { output: 'console of vm, 5 lines\n' }])
})

test('an update changes what was given, and answers in full since 2.75', async (t) => {
  const cloud = await openTestCloud(t)
  const id = await cloud.create()
  const put = (server: object, version: string) =>
    cloud.call(`/v2.1/servers/${id}`, { method: 'PUT', body: { server }, version })
  const old = await put({ name: ' renamed'.trim() }, '2.1')
  assert.deepEqual([old.body.server.name, 'key_name' in old.body.server], ['renamed', false])
  const full = await put({ description: 'd' }, '2.75')
  assert.deepEqual([full.body.server.description, 'key_name' in full.body.server], ['d', true])
  assert.equal((await put({ description: 'd' }, '2.18')).status, 400)
  assert.equal((await put({ hostname: 'h' }, '2.85')).status, 400)
})

test('a server whose home cannot be reached is shown as UNKNOWN, in lists too', async (t) => {
  const reachable = { is: true }
  const cloud = await openTestCloud(t, { isReachable: () => reachable.is })
  const id = await cloud.create()
  await cloud.run(id)
  reachable.is = false
  const { server } = (await cloud.call(`/v2.1/servers/${id}`)).body
  assert.deepEqual([server.status, server['OS-EXT-STS:power_state']], ['UNKNOWN', 0])
  const list = (await cloud.call('/v2.1/servers/detail?status=UNKNOWN')).body.servers
  assert.deepEqual(
    list.map((one: { id: string }) => one.id),
    [id],
  )
  assert.deepEqual((await cloud.call('/v2.1/servers/detail?status=ACTIVE')).body.servers, [])
})

test('metadata is read, merged, replaced and deleted', async (t) => {
  const cloud = await openTestCloud(t)
  const id = await cloud.create({ metadata: { a: '1' } })
  await cloud.run(id)
  const path = `/v2.1/servers/${id}/metadata`
  const merged = await cloud.call(path, post({ metadata: { b: '2' } }))
  assert.deepEqual(merged.body, { metadata: { a: '1', b: '2' } })
  const one = await cloud.call(`${path}/a`, { method: 'PUT', body: { meta: { a: '3' } } })
  assert.deepEqual(one.body, { meta: { a: '3' } })
  assert.equal((await cloud.call(`${path}/a`, { method: 'PUT', body: { meta: { b: '3' } } })).status, 400)
  assert.equal((await cloud.call(`${path}/b`, { method: 'DELETE' })).status, 204)
  assert.equal((await cloud.call(`${path}/b`)).status, 404)
  assert.deepEqual((await cloud.call(path)).body, { metadata: { a: '3' } })
  const tooMany = Object.fromEntries(Array.from({ length: 129 }, (_, index) => [`k${index}`, 'v']))
  const refusal = await cloud.call(path, { method: 'PUT', body: { metadata: tooMany } })
  assert.equal(refusal.body.forbidden.message, 'Maximum number of metadata items exceeds 128')
})

test('tags exist since 2.26 and are set one by one or together', async (t) => {
  const cloud = await openTestCloud(t)
  const id = await cloud.create()
  await cloud.run(id)
  const path = `/v2.1/servers/${id}/tags`
  const version = '2.26'
  assert.equal((await cloud.call(path)).status, 404)
  assert.equal((await cloud.call(`${path}/red`, { method: 'PUT', version })).status, 201)
  assert.equal((await cloud.call(`${path}/red`, { method: 'PUT', version })).status, 204)
  assert.equal((await cloud.call(`${path}/red`, { version })).status, 204)
  assert.equal((await cloud.call(`${path}/${'x'.repeat(61)}`, { method: 'PUT', version })).status, 400)
  const both = await cloud.call(path, { method: 'PUT', version, body: { tags: ['red', 'blue', 'red'] } })
  assert.deepEqual(both.body, { tags: ['red', 'blue'] })
  assert.equal((await cloud.call(`${path}/red`, { method: 'DELETE', version })).status, 204)
  assert.equal((await cloud.call(`${path}/red`, { method: 'DELETE', version })).status, 404)
  const found = await cloud.call('/v2.1/servers?tags-any=blue,green', { version })
  assert.equal(found.body.servers.length, 1)
  assert.equal((await cloud.call('/v2.1/servers?not-tags=blue', { version })).body.servers.length, 0)
})

test('who asked what of a server is remembered, after its deletion too since 2.21', async (t) => {
  const cloud = await openTestCloud(t)
  const id = await cloud.create()
  await cloud.run(id)
  await act(cloud, id, { 'os-stop': null })
  const path = `/v2.1/servers/${id}/os-instance-actions`
  const listed = (await cloud.call(path, { version: '2.58' })).body.instanceActions
  assert.deepEqual(
    listed.map((one: { action: string; user_id: string }) => [one.action, one.user_id]),
    [
      ['stop', 'member-user'],
      ['create', 'member-user'],
    ],
  )
  const shown = (await cloud.call(`${path}/${listed[0].request_id}`, { version: '2.84', token: 'admin' }))
    .body
  assert.deepEqual([shown.instanceAction.action, shown.instanceAction.events[0].result], ['stop', 'Success'])
  await cloud.call(`/v2.1/servers/${id}`, { method: 'DELETE' })
  await cloud.finishDeletion(id)
  assert.equal((await cloud.call(path, { version: '2.20' })).status, 404)
  assert.equal((await cloud.call(path, { version: '2.21' })).body.instanceActions[0].action, 'delete')
})
