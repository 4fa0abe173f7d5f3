import assert from 'node:assert/strict'
import test from 'node:test'
import { spentAmounts } from '@atoll/state'
import { amountsOf } from '../quotas/quota.ts'
import { fakeNetwork } from '../testing/fake-network.ts'
import { openTestCloud, PROJECT_ID, type TestCloud } from '../testing/test-cloud.ts'
import { recountQuotas, settleDisplacedServer } from './displaced.ts'

const settle = async ({ state, row }: TestCloud, id: string) => {
  const server = await row(id)
  await state.transaction((transaction) => settleDisplacedServer(transaction, server, fakeNetwork))
}

const instances = async ({ state }: TestCloud) => {
  const [resource = ''] = Object.keys(amountsOf(PROJECT_ID, { vcpus: 1, ram: 1 }, 1)).filter((name) =>
    name.includes('instances'),
  )
  return (await spentAmounts(state, [resource]))[resource]
}

test('a server whose place is gone is in ERROR, counts in the quota here, and can be deleted', async (t) => {
  const cloud = await openTestCloud(t)
  const id = await cloud.create()
  await cloud.run(id)
  const before = await cloud.row(id)
  await settle(cloud, id)
  assert.equal(await instances(cloud), 2, 'once where it was made, and once where it came')
  const { server } = (await cloud.call(`/v2.1/servers/${id}`)).body
  assert.deepEqual([server.status, server['OS-EXT-STS:power_state']], ['ERROR', 0])
  assert.match(server.fault.message, /is lost/)
  const after = await cloud.row(id)
  assert.deepEqual([after.host, after.fence, after.port_ids], ['', before.fence + 1, before.port_ids])
  for (const action of [{ 'os-start': null }, { 'os-stop': null }, { reboot: { type: 'HARD' } }])
    assert.equal(
      (await cloud.call(`/v2.1/servers/${id}/action`, { method: 'POST', body: action })).status,
      409,
    )
  assert.equal((await cloud.call(`/v2.1/servers/${id}`, { method: 'DELETE' })).status, 204)
  assert.equal((await cloud.call(`/v2.1/servers/${id}`)).status, 404)
  assert.equal(await instances(cloud), 1)
})

test('a server that was to be deleted when its place went is gone', async (t) => {
  const cloud = await openTestCloud(t)
  const id = await cloud.create()
  await cloud.call(`/v2.1/servers/${id}`, { method: 'DELETE' })
  await settle(cloud, id)
  assert.equal((await cloud.call(`/v2.1/servers/${id}`)).status, 404)
  assert.equal(await instances(cloud), 1)
})

test('quotas are counted anew from the servers that are here', async (t) => {
  const cloud = await openTestCloud(t)
  const id = await cloud.create()
  await settle(cloud, id)
  await cloud.state.transaction((transaction) => recountQuotas(transaction))
  assert.equal(await instances(cloud), 1)
})
