import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import {
  lendNumbers,
  NotHome,
  openTestState,
  projectScope,
  ShareExhausted,
  type State,
  takenNumbers,
  trustEverybody,
} from '@atoll/state'
import { asNetworkError } from '../as-network-error.ts'
import {
  IpAddressAlreadyAllocated,
  IpAddressGenerationFailure,
  IpAddressLent,
  NetworkAmbiguous,
  NetworkNotFound,
  NetworkRequiresSubnet,
  PortInUse,
  PortNotFound,
  PortRequiresFixedIp,
} from '../errors.ts'
import { networkRecords, ports } from '../records.ts'
import { networkSite } from '../testing/network-site.ts'
import { interfacesOf } from './server-interfaces.ts'
import { defaultNetworks, preparePort, unbindOrDeletePorts } from './server-ports.ts'

const scope = projectScope('p1', 'u1')

async function siteForServers(t: TestContext, cidr = '10.0.0.0/24') {
  const site = await networkSite(t)
  const { id: networkId = '' } = await site.make('/v2.0/networks', { network: { name: 'net' } })
  await site.make('/v2.0/subnets', { subnet: { network_id: networkId, cidr } })
  const server = { serverId: 'vm', deviceOwner: 'compute:east', host: 'h1', projectId: 'p1' }
  const prepare = (request: { networkId?: string; portId?: string; fixedIp?: string }) =>
    site.state.transaction((transaction) => preparePort(transaction, scope, { ...server, ...request }))
  return { ...site, networkId, prepare }
}

test('a server gets a new port on a network, and it goes with the server', async (t) => {
  const { prepare, networkId, state } = await siteForServers(t)
  const port = await prepare({ networkId })
  assert.deepEqual(
    [port.device_id, port.device_owner, port.binding_host, port.fixed_ips[0]?.ip_address],
    ['vm', 'compute:east', 'h1', '10.0.0.3'],
  )
  const [shown] = (await interfacesOf(state, ['vm', 'none'])).get('vm') ?? []
  assert.deepEqual(shown, {
    portId: port.id,
    networkId,
    networkName: 'net',
    macAddress: port.mac_address,
    status: 'DOWN',
    fixedIps: port.fixed_ips,
  })
  await state.transaction((transaction) =>
    unbindOrDeletePorts(transaction, {
      serverId: 'vm',
      portIds: [port.id],
      ownPortIds: [port.id],
    }),
  )
  assert.equal(await state.find(scope, ports, port.id), undefined)
  assert.equal(
    await state.local(takenNumbers).select('number').where('holder', '=', port.id).executeTakeFirst(),
    undefined,
  )
})

test("a server binds its owner's port, which stays when the server goes", async (t) => {
  const { prepare, networkId, state, make } = await siteForServers(t)
  const { id: portId = '' } = await make('/v2.0/ports', { port: { network_id: networkId } })
  assert.equal((await prepare({ portId })).binding_host, 'h1')
  await assert.rejects(prepare({ portId }), PortInUse.is)
  const release = { serverId: 'vm', portIds: [portId], ownPortIds: [] }
  await state.transaction((transaction) => unbindOrDeletePorts(transaction, release))
  const port = await state.find(scope, ports, portId)
  assert.deepEqual([port?.device_id, port?.binding_host, port?.fixed_ips.length], ['', '', 1])
  await state.transaction((transaction) => unbindOrDeletePorts(transaction, release))
})

test('what cannot be used is refused, and nothing is written', async (t) => {
  const { prepare, make, networkId, call } = await siteForServers(t)
  const { id: bare = '' } = await make('/v2.0/networks', { network: {} })
  const { id: addressless = '' } = await make('/v2.0/ports', { port: { network_id: bare } })
  const { id: foreign = '' } = await make('/v2.0/networks', { network: {} }, 'other')
  const { id: foreignPort = '' } = await make('/v2.0/ports', { port: { network_id: foreign } }, 'other')
  await assert.rejects(prepare({ networkId: bare }), NetworkRequiresSubnet.is)
  await assert.rejects(prepare({ portId: addressless }), PortRequiresFixedIp.is)
  await assert.rejects(prepare({ networkId: foreign }), NetworkNotFound.is)
  await assert.rejects(prepare({ portId: foreignPort }), PortNotFound.is)
  await assert.rejects(prepare({ networkId, fixedIp: '10.0.0.2' }), IpAddressAlreadyAllocated.is)
  assert.equal((await prepare({ networkId, fixedIp: '10.0.0.9' })).fixed_ips[0]?.ip_address, '10.0.0.9')
  assert.deepEqual((await call('GET', '/v2.0/ports?device_id=vm')).json().ports.length, 1)
})

test('a subnet that is full lets the state borrow first, and then says so as Neutron does', async (t) => {
  const { prepare, networkId, state } = await siteForServers(t, '10.0.0.0/29')
  for (let index = 0; index < 4; index++) await prepare({ networkId })
  const borrows: string[] = []
  state.borrowWith(async (resource) => {
    borrows.push(resource.split(':')[0] ?? '')
    return false
  })
  const error: unknown = await prepare({ networkId }).catch((reason: unknown) => reason)
  assert.ok(ShareExhausted.is(error))
  assert.ok(IpAddressGenerationFailure.is(await asNetworkError(state, error)))
  assert.deepEqual(borrows, ['addresses'])
})

test('a server that names no network joins the only one there is', async (t) => {
  const { state, networkId, make } = await siteForServers(t)
  const names = async () => (await defaultNetworks(state, scope, 'p1')).map(({ id }) => id)
  assert.deepEqual(await names(), [networkId])
  await make('/v2.0/networks', { network: {} }, 'other')
  assert.deepEqual(await names(), [networkId])
  await make('/v2.0/networks', { network: { shared: true } }, 'admin')
  await assert.rejects(names(), NetworkAmbiguous.is)
  await assert.rejects(defaultNetworks(state, projectScope('p9', 'u9'), 'p9'), NetworkRequiresSubnet.is)
})

test('a project without a network gives its servers none', async (t) => {
  const { state } = await siteForServers(t)
  assert.deepEqual(await defaultNetworks(state, projectScope('p9', 'u9'), 'p9'), [])
})

async function followerOf(t: TestContext, far: State) {
  const near = await openTestState({
    records: networkRecords,
    site: { name: 'near', code: 2 },
    after: (cleanUp) => t.after(cleanUp),
  })
  const follow = async () => {
    const after = await near.feed.cursor('here')
    const page = await far.feed.read({ home: 'here', follower: near.site.name, after, limit: 100 })
    await near.feed.apply(page, trustEverybody)
  }
  await follow()
  return { near, follow }
}

const nearServer = { serverId: 'vm', deviceOwner: 'compute:near', host: 'h2', projectId: 'p1' }

test('a port that another site keeps is not bound here', async (t) => {
  const { state: far, networkId, make } = await siteForServers(t)
  const { id: portId = '' } = await make('/v2.0/ports', { port: { network_id: networkId } })
  const { near } = await followerOf(t, far)
  await assert.rejects(
    near.transaction((transaction) => preparePort(transaction, scope, { ...nearServer, portId })),
    NotHome.is,
  )
})

test('a site makes ports on a network of another with the addresses that it was lent', async (t) => {
  const { state: far, networkId, prepare } = await siteForServers(t, '10.0.0.0/28')
  const { near, follow } = await followerOf(t, far)
  near.borrowWith(async (resource, wanted) => {
    await far.transaction((transaction) => lendNumbers(transaction, { resource, borrower: 'near', wanted }))
    await follow()
    return true
  })
  const port = await near.transaction((transaction) =>
    preparePort(transaction, scope, { ...nearServer, networkId }),
  )
  assert.deepEqual([port.home, port.fixed_ips[0]?.ip_address], ['near', '10.0.0.14'])
  await assert.rejects(prepare({ networkId, fixedIp: '10.0.0.14' }), IpAddressLent.is)
})
