import assert from 'node:assert/strict'
import test from 'node:test'
import { cloudScope, projectScope } from '@atoll/state'
import { VNIS } from '../create-network-api.ts'
import { networks, ports } from '../records.ts'
import { networkSite } from '../testing/network-site.ts'
import { numbersInUse, settleDisplacedPort } from './displaced.ts'
import { preparePort } from './server-ports.ts'

const scope = cloudScope('test')

test('a port whose place is gone keeps its addresses and its server, and its numbers are known to be in use', async (t) => {
  const { make, state } = await networkSite(t)
  const { id: networkId = '' } = await make('/v2.0/networks', { network: { name: 'net' } })
  const { id: subnetId = '' } = await make('/v2.0/subnets', {
    subnet: { network_id: networkId, cidr: '10.0.0.0/24' },
  })
  const bound = await state.transaction((transaction) =>
    preparePort(transaction, projectScope('p1', 'u1'), {
      networkId,
      serverId: 'vm',
      deviceOwner: 'compute:east',
      host: 'h1',
      projectId: 'p1',
    }),
  )
  await state.transaction((transaction) => settleDisplacedPort(transaction, bound))
  const port = await state.find(scope, ports, bound.id)
  assert.deepEqual([port?.binding_host, port?.status, port?.device_id], ['', 'DOWN', 'vm'])
  assert.deepEqual(port?.fixed_ips, bound.fixed_ips)
  const addresses = await numbersInUse(state, `addresses:${subnetId}`, [])
  // The DHCP port has the first free address.
  assert.deepEqual(new Set(addresses.map(({ number }) => number)), new Set([0x0a000002, 0x0a000003]))
  assert.equal(addresses.find(({ number }) => number === 0x0a000003)?.holder, bound.id)
  const vni = (await state.find(scope, networks, networkId))?.vni ?? 0
  assert.deepEqual(await numbersInUse(state, VNIS, [[vni, vni + 1]]), [{ number: vni, holder: networkId }])
  assert.deepEqual(await numbersInUse(state, VNIS, [[vni + 1, vni + 2]]), [])
  assert.deepEqual(await numbersInUse(state, 'quota_cores:p1', [[0, 10]]), [])
})
