import assert from 'node:assert/strict'
import test from 'node:test'
import { integerIdOf } from '../integer-id.ts'
import { hosts } from '../records.ts'
import { FULL_NETWORK_ID } from '../testing/fake-network.ts'
import { openTestCloud, scope } from '../testing/test-cloud.ts'

const admin = { token: 'admin' } as const

test('hypervisors are listed with what is claimed of them, by UUID since 2.53', async (t) => {
  const cloud = await openTestCloud(t, { hostsCount: 1 })
  const id = await cloud.create()
  const old = (await cloud.call('/v2.1/os-hypervisors/detail', admin)).body.hypervisors[0]
  assert.deepEqual(
    [old.vcpus, old.vcpus_used, old.memory_mb_used, old.free_ram_mb, old.running_vms, old.state, old.status],
    [8, 1, 512, 15_872, 1, 'up', 'enabled'],
  )
  assert.deepEqual(
    [Number.isSafeInteger(old.id), typeof old.cpu_info, old.hypervisor_hostname],
    [true, 'string', 'east-h1'],
  )
  assert.equal((await cloud.call(`/v2.1/os-hypervisors/${old.id}`, admin)).body.hypervisor.id, old.id)
  const path = '/v2.1/os-hypervisors/detail?with_servers=true'
  const [host] = (await cloud.call(path, { ...admin, version: '2.53' })).body.hypervisors
  assert.match(host.id, /^[0-9a-f-]{36}$/)
  assert.equal(integerIdOf(host.id), old.id)
  assert.deepEqual([host.servers, host.cpu_info], [[{ name: 'vm', uuid: id }], { model: 'toy' }])
  const show = (which: string) => cloud.call(`/v2.1/os-hypervisors/${which}`, { ...admin, version: '2.53' })
  assert.equal((await show(host.id)).body.hypervisor.hypervisor_hostname, 'east-h1')
  assert.equal((await show('1')).status, 400)
  assert.equal((await show('00000000-0000-4000-8000-000000000000')).status, 404)
  const { hypervisor_statistics } = (await cloud.call('/v2.1/os-hypervisors/statistics', admin)).body
  assert.deepEqual([hypervisor_statistics.count, hypervisor_statistics.running_vms], [1, 1])
})

test('hypervisors are paged since 2.33 and found by a part of their name since 2.53', async (t) => {
  const cloud = await openTestCloud(t, { hostsCount: 3 })
  const list = (query: string, version: string) =>
    cloud.call(`/v2.1/os-hypervisors?${query}`, { ...admin, version })
  assert.equal((await list('limit=1', '2.32')).body.hypervisors.length, 3)
  const page = (await list('limit=1', '2.53')).body
  const { search } = new URL(page.hypervisors_links[0].href)
  const next = (await list(search.slice(1), '2.53')).body.hypervisors
  assert.deepEqual(
    [page.hypervisors[0].hypervisor_hostname, next[0].hypervisor_hostname],
    ['east-h1', 'east-h2'],
  )
  const found = (await list('hypervisor_hostname_pattern=h3', '2.53')).body.hypervisors
  assert.deepEqual(
    found.map((host: { hypervisor_hostname: string }) => host.hypervisor_hostname),
    ['east-h3'],
  )
  assert.equal((await list('hypervisor_hostname_pattern=h9', '2.53')).status, 404)
  assert.equal((await list('hypervisor_hostname_pattern=h3&limit=1', '2.53')).status, 400)
  assert.equal((await list('marker=x', '2.53')).status, 400)
  assert.equal((await list('colour=red', '2.53')).status, 400)
})

test('a disabled host gets no server until it is enabled, in the old form and in the new', async (t) => {
  const cloud = await openTestCloud(t, { hostsCount: 1 })
  const body = { host: 'east-h1', binary: 'nova-compute', disabled_reason: 'rats' }
  const put = (path: string, version: string, content: object) =>
    cloud.call(`/v2.1/os-services/${path}`, { ...admin, method: 'PUT', version, body: content })
  const disabled = await put('disable-log-reason', '2.1', body)
  assert.deepEqual(disabled.body.service, { ...body, status: 'disabled' })
  const list = async () =>
    (await cloud.call('/v2.1/os-services', { ...admin, version: '2.69' })).body.services
  const [service] = await list()
  assert.deepEqual(
    [
      service.binary,
      service.status,
      service.state,
      service.disabled_reason,
      service.zone,
      service.forced_down,
    ],
    ['nova-compute', 'disabled', 'up', 'rats', 'east', false],
  )
  assert.equal((await cloud.row(await cloud.create())).vm_state, 'error')
  const enabled = await put(service.id, '2.53', { status: 'enabled' })
  assert.deepEqual([enabled.body.service.status, enabled.body.service.disabled_reason], ['enabled', null])
  assert.equal((await cloud.row(await cloud.create())).vm_state, 'building')
  assert.equal((await put(service.id, '2.53', { forced_down: true })).body.service.state, 'down')
  const refusals: readonly [path: string, version: string, content: object, status: number][] = [
    [service.id, '2.53', {}, 400],
    [service.id, '2.53', { status: 'enabled', disabled_reason: 'x' }, 400],
    ['nonsense', '2.53', { status: 'enabled' }, 400],
    ['00000000-0000-4000-8000-000000000000', '2.53', { status: 'enabled' }, 404],
    ['enable', '2.1', { host: 'nobody', binary: 'nova-compute' }, 404],
    ['enable', '2.1', { host: 'east-h1', binary: 'nova-scheduler' }, 400],
    ['explode', '2.1', body, 404],
    ['force-down', '2.10', body, 404],
  ]
  for (const [path, version, content, status] of refusals)
    assert.equal((await put(path, version, content)).status, status, `${path} ${version}`)
})

test('a zone is available while one of its hosts is', async (t) => {
  const reachable = { is: true }
  const cloud = await openTestCloud(t, { isReachable: () => reachable.is })
  const zone = { zoneName: 'east', zoneState: { available: true }, hosts: null }
  assert.deepEqual((await cloud.call('/v2.1/os-availability-zone')).body, { availabilityZoneInfo: [zone] })
  const [detail] = (await cloud.call('/v2.1/os-availability-zone/detail', admin)).body.availabilityZoneInfo
  assert.deepEqual(Object.keys(detail.hosts), ['east-h1', 'east-h2'])
  assert.equal(detail.hosts['east-h1']['nova-compute'].available, true)
  reachable.is = false
  const [gone] = (await cloud.call('/v2.1/os-availability-zone')).body.availabilityZoneInfo
  assert.equal(gone.zoneState.available, false)
  const [service] = (await cloud.call('/v2.1/os-services', admin)).body.services
  assert.equal(service.state, 'down')
})

test('an administrator chooses the host, by zone:host and by name; it must exist and have room', async (t) => {
  const cloud = await openTestCloud(t, { hostsCount: 4 })
  const as = (version: string) => ({ token: 'admin', version })
  for (const name of ['east-h3', 'east-h3', 'east-h2']) {
    const id = await cloud.create({ availability_zone: `east:${name}` }, as('2.1'))
    assert.equal((await cloud.row(id)).host, name)
  }
  const requested = await cloud.create({ host: 'east-h4' }, as('2.74'))
  assert.equal((await cloud.row(requested)).host, 'east-h4')
  const create = (changes: object, version: string) =>
    cloud.create(changes, as(version)).then(String, (error: Error) => error.message)
  assert.match(
    await create({ availability_zone: 'east:nobody' }, '2.1'),
    /400.*Compute host nobody could not be found/,
  )
  assert.match(
    await create({ availability_zone: 'east:h:n:x' }, '2.1'),
    /400.*Unable to parse availability_zone/,
  )
  assert.match(
    await create({ availability_zone: 'east:east-h1', host: 'east-h1' }, '2.74'),
    /400.*mutually exclusive/,
  )
})

test("a host that fills up behind the inventory's back is passed over", async (t) => {
  const cloud = await openTestCloud(t, { hostsCount: 2 })
  await cloud.create()
  const [first] = await cloud.state.select(scope, hosts).selectAll().orderBy('name').execute()
  const creates: Promise<string>[] = []
  // Both are ready in the same group of transactions, so the create's choice was made before it could know.
  const filling = cloud.state.transaction((transaction) =>
    transaction.update(hosts, first?.id ?? '', { ram_mib_used: 16_384 }),
  )
  for (let count = 0; count < 5; count++) creates.push(cloud.create())
  await filling
  for (const id of await Promise.all(creates)) assert.equal((await cloud.row(id)).host, 'east-h2')
})

test('a create that fails after its claim leaves its host free for the next', async (t) => {
  const cloud = await openTestCloud(t, { hostsCount: 1, host: { ram_mib: 512 } })
  const failed = await cloud
    .create({ networks: [{ uuid: FULL_NETWORK_ID }] })
    .catch((error: Error) => error.message)
  assert.match(failed, /409/)
  assert.equal((await cloud.row(await cloud.create())).host, 'east-h1')
})
