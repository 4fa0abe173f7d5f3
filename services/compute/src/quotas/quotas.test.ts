import assert from 'node:assert/strict'
import test from 'node:test'
import { OTHER_PROJECT_ID, openTestCloud, PROJECT_ID, type TestCloud } from '../testing/test-cloud.ts'

const path = `/v2.1/os-quota-sets/${PROJECT_ID}`
const put = (cloud: TestCloud, quota_set: object, version = '2.57') =>
  cloud.call(path, { method: 'PUT', token: 'admin', version, body: { quota_set } })

test('a quota set shows the names of its version, with use in detail', async (t) => {
  const cloud = await openTestCloud(t)
  await cloud.create()
  const old = (await cloud.call(path)).body.quota_set
  assert.deepEqual(
    [old.id, old.cores, old.instances, old.ram, old.fixed_ips, old.injected_files],
    [PROJECT_ID, 20, 10, 51_200, -1, 0],
  )
  const latest = (await cloud.call(path, { version: '2.57' })).body.quota_set
  assert.deepEqual(Object.keys(latest).sort(), [
    'cores',
    'id',
    'instances',
    'key_pairs',
    'metadata_items',
    'ram',
    'server_group_members',
    'server_groups',
  ])
  const detail = (await cloud.call(`${path}/detail`)).body.quota_set
  assert.deepEqual(detail.cores, { limit: 20, in_use: 1, reserved: 0 })
})

test("an operator's quota holds at once, in both directions, and its deletion brings the default back", async (t) => {
  const cloud = await openTestCloud(t)
  await cloud.create({ min_count: 2 })
  const tooSmall = await put(cloud, { cores: 1 })
  assert.equal(
    tooSmall.body.badRequest.message,
    'Quota limit 1 for cores must be greater than or equal to already used and reserved 2.',
  )
  assert.equal((await put(cloud, { cores: 3, instances: '-1' })).body.quota_set.cores, 3)
  await cloud.create()
  const full = await cloud.create().catch((error: Error) => error.message)
  assert.match(full, /403.*Quota exceeded for cores: Requested 1, but already used 3 of 3 cores/)
  assert.equal((await put(cloud, { cores: 1, force: true })).status, 200)
  assert.equal((await cloud.call(path, { method: 'DELETE', token: 'admin' })).status, 202)
  assert.equal((await cloud.call(path)).body.quota_set.cores, 20)
  await cloud.create({ min_count: 7 })
  const overDefault = await cloud.create().catch((error: Error) => error.message)
  assert.match(overDefault, /Quota exceeded for instances/)
})

test('a name of another version and a number that is none are 400', async (t) => {
  const cloud = await openTestCloud(t)
  assert.equal((await put(cloud, { fixed_ips: 5 }, '2.36')).status, 400)
  assert.equal((await put(cloud, { fixed_ips: 5 }, '2.35')).status, 200)
  for (const cores of ['many', -2, 1.5, null]) assert.equal((await put(cloud, { cores })).status, 400)
})

test("limits count the project's own servers, another project's for administrators only", async (t) => {
  const cloud = await openTestCloud(t)
  await cloud.create({ min_count: 3 })
  const absolute = async (query: string, token: string, version = '2.57') =>
    (await cloud.call(`/v2.1/limits${query}`, { token, version })).body.limits?.absolute
  const own = await absolute('', 'member')
  assert.deepEqual(
    [
      own.totalInstancesUsed,
      own.totalCoresUsed,
      own.totalRAMUsed,
      own.maxTotalInstances,
      'maxImageMeta' in own,
    ],
    [3, 3, 1536, 10, false],
  )
  assert.deepEqual([(await absolute('', 'other')).totalInstancesUsed], [0])
  assert.equal((await absolute(`?tenant_id=${OTHER_PROJECT_ID}`, 'admin')).totalInstancesUsed, 0)
  assert.equal(await absolute(`?tenant_id=${OTHER_PROJECT_ID}`, 'member'), undefined)
  const oldest = await absolute('', 'member', '2.1')
  assert.deepEqual([oldest.maxImageMeta, oldest.maxTotalFloatingIps, oldest.maxPersonality], [128, -1, 0])
})
