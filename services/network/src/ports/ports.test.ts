import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { cloudScope, lendNumbers, shares, takenNumbers } from '@atoll/state'
import { networkSite } from '../testing/network-site.ts'

interface PortView {
  readonly id: string
  readonly mac_address: string
  readonly fixed_ips: readonly { readonly subnet_id: string; readonly ip_address: string }[]
  readonly [name: string]: unknown
}

async function siteWithSubnet(t: TestContext, subnet: object = {}) {
  const site = await networkSite(t)
  const { id: network_id } = await site.make('/v2.0/networks', { network: {} })
  const { id: subnet_id } = await site.make('/v2.0/subnets', {
    subnet: { network_id, cidr: '10.0.0.0/24', enable_dhcp: false, ...subnet },
  })
  assert.ok(network_id && subnet_id)
  const makePort = (port: object = {}) =>
    site.make<PortView>('/v2.0/ports', { port: { network_id, ...port } })
  const refusal = async (port: object, method = 'POST', id = '') => {
    const body = { port: method === 'POST' ? { network_id, ...port } : port }
    const reply = await site.call(method, `/v2.0/ports${id && `/${id}`}`, { body })
    return [reply.statusCode, reply.json().NeutronError?.type]
  }
  return { ...site, network_id, subnet_id, makePort, refusal }
}

const addressesOf = ({ fixed_ips }: PortView) => fixed_ips.map(({ ip_address }) => ip_address)

test('a port gets an address and a MAC of its own, and is unbound', async (t) => {
  const { makePort, subnet_id } = await siteWithSubnet(t)
  const [first, second] = [await makePort(), await makePort()]
  assert.deepEqual(first.fixed_ips, [{ subnet_id, ip_address: '10.0.0.2' }])
  assert.deepEqual(addressesOf(second), ['10.0.0.3'])
  assert.match(first.mac_address, /^fa:16:3e(:[0-9a-f]{2}){3}$/)
  assert.notEqual(first.mac_address, second.mac_address)
  assert.deepEqual(
    [
      first.status,
      first.device_id,
      first.security_groups,
      first['binding:vnic_type'],
      'binding:host_id' in first,
    ],
    ['DOWN', '', [], 'normal', false],
  )
})

test('a port takes several addresses, by subnet and by address', async (t) => {
  const { make, makePort, network_id, subnet_id } = await siteWithSubnet(t)
  const other = await make('/v2.0/subnets', {
    subnet: { network_id, cidr: '10.7.0.0/24', enable_dhcp: false },
  })
  const port = await makePort({
    fixed_ips: [{ subnet_id: other.id }, { ip_address: '10.0.0.77' }, { subnet_id, ip_address: '10.0.0.78' }],
  })
  assert.deepEqual(addressesOf(port), ['10.7.0.2', '10.0.0.77', '10.0.0.78'])
  assert.deepEqual(addressesOf(await makePort({ fixed_ips: [] })), [])
})

test('a port on a network without subnets has no address', async (t) => {
  const { make } = await networkSite(t)
  const { id: network_id } = await make('/v2.0/networks', { network: {} })
  assert.deepEqual((await make<PortView>('/v2.0/ports', { port: { network_id } })).fixed_ips, [])
})

test('an address is given to one port at a time, and given back with it', async (t) => {
  const { makePort, refusal, call, state } = await siteWithSubnet(t)
  const port = await makePort({ fixed_ips: [{ ip_address: '10.0.0.9' }] })
  const again = { fixed_ips: [{ ip_address: '10.0.0.9' }] }
  assert.deepEqual(await refusal(again), [409, 'IpAddressAlreadyAllocated'])
  assert.equal((await call('DELETE', `/v2.0/ports/${port.id}`)).statusCode, 204)
  assert.deepEqual(addressesOf(await makePort(again)), ['10.0.0.9'])
  const addresses = await state
    .local(takenNumbers)
    .selectAll()
    .where('resource', 'like', 'addresses:%')
    .execute()
  assert.equal(addresses.length, 1)
})

test('a subnet that is full says so, and nothing is written', async (t) => {
  const { makePort, refusal, call } = await siteWithSubnet(t, { cidr: '10.0.0.0/29' })
  for (let index = 0; index < 5; index++) await makePort()
  assert.deepEqual(await refusal({}), [409, 'IpAddressGenerationFailure'])
  assert.equal((await call('GET', '/v2.0/ports')).json().ports.length, 5)
})

test('an address outside the pools is given where the subnet lives', async (t) => {
  const { makePort, refusal, call, subnet_id } = await siteWithSubnet(t, {
    allocation_pools: [{ start: '10.0.0.100', end: '10.0.0.110' }],
  })
  const revision = async () => (await call('GET', `/v2.0/subnets/${subnet_id}`)).json().subnet.revision_number
  const before = await revision()
  assert.deepEqual(addressesOf(await makePort()), ['10.0.0.100'])
  assert.equal(await revision(), before)
  const gateway = { fixed_ips: [{ subnet_id, ip_address: '10.0.0.1' }] }
  assert.deepEqual(addressesOf(await makePort(gateway)), ['10.0.0.1'])
  assert.ok((await revision()) > before)
  assert.deepEqual(await refusal(gateway), [409, 'IpAddressAlreadyAllocated'])
})

test('an address that is lent to another site is not given here', async (t) => {
  const { refusal, state, subnet_id } = await siteWithSubnet(t)
  const resource = `addresses:${subnet_id}`
  await state.transaction((transaction) =>
    lendNumbers(transaction, { resource, borrower: 'far', wanted: 10 }),
  )
  assert.equal((await state.select(cloudScope('test'), shares).selectAll().execute()).length, 3)
  assert.deepEqual(await refusal({ fixed_ips: [{ ip_address: '10.0.0.254' }] }), [409, 'IpAddressInUse'])
})

const refusals: readonly [port: object, status: number, type: string][] = [
  [{ fixed_ips: [{}] }, 400, 'InvalidInput'],
  [{ fixed_ips: [{ ip_address: '10.0.0.300' }] }, 400, 'InvalidInput'],
  [{ fixed_ips: [{ ip_address: '10.9.0.3' }] }, 400, 'InvalidIpForNetwork'],
  [{ fixed_ips: [{ ip_address: '10.0.0.255' }] }, 400, 'InvalidIpForNetwork'],
  [{ fixed_ips: [{ subnet_id: '00000000-0000-4000-8000-000000000000' }] }, 400, 'InvalidInput'],
  [{ fixed_ips: [{ subnet_id: 'x' }] }, 400, 'HTTPBadRequest'],
  [{ mac_address: '01:00:5e:00:00:01' }, 400, 'HTTPBadRequest'],
  [{ security_groups: ['default'] }, 400, 'HTTPBadRequest'],
  [{ 'binding:host_id': 'h1' }, 403, 'PolicyNotAuthorized'],
  [{ device_owner: 'network:dhcp' }, 403, 'PolicyNotAuthorized'],
  [{ network_id: '00000000-0000-4000-8000-000000000000' }, 404, 'NetworkNotFound'],
]
for (const [port, status, type] of refusals) {
  test(`the port ${JSON.stringify(port)} is ${status} ${type}`, async (t) => {
    const { refusal, call } = await siteWithSubnet(t)
    assert.deepEqual(await refusal(port), [status, type])
    assert.deepEqual((await call('GET', '/v2.0/ports')).json().ports, [])
  })
}

test('a MAC address is used once on a network, and kept in lower case', async (t) => {
  const { makePort, refusal } = await siteWithSubnet(t)
  assert.equal((await makePort({ mac_address: '02:00:00:00:0A:0b' })).mac_address, '02:00:00:00:0a:0b')
  assert.deepEqual(await refusal({ mac_address: '02:00:00:00:0a:0B' }), [409, 'MacAddressInUse'])
})

test('an update keeps the addresses that it names and gives the others back', async (t) => {
  const { makePort, call, subnet_id } = await siteWithSubnet(t, { cidr: '10.0.0.0/29' })
  const port = await makePort({ fixed_ips: [{ ip_address: '10.0.0.3' }, { ip_address: '10.0.0.4' }] })
  const put = async (fixed_ips: readonly object[]) => {
    const body = { port: { fixed_ips } }
    return addressesOf((await call('PUT', `/v2.0/ports/${port.id}`, { body })).json().port)
  }
  assert.deepEqual(await put([{ subnet_id }, { ip_address: '10.0.0.4' }]), ['10.0.0.3', '10.0.0.4'])
  assert.deepEqual(await put([{ ip_address: '10.0.0.4' }]), ['10.0.0.4'])
  assert.deepEqual(addressesOf(await makePort({ fixed_ips: [{ ip_address: '10.0.0.3' }] })), ['10.0.0.3'])
  assert.deepEqual(await put([]), [])
})

test('a guest of a shared network chooses neither address nor MAC nor port security', async (t) => {
  const { make, call } = await networkSite(t)
  const { id: network_id } = await make('/v2.0/networks', { network: { shared: true } }, 'admin')
  await make('/v2.0/subnets', { subnet: { network_id, cidr: '10.0.0.0/24' } }, 'admin')
  for (const chosen of [
    { fixed_ips: [{ ip_address: '10.0.0.9' }] },
    { mac_address: '02:00:00:00:00:01' },
    { port_security_enabled: false },
  ]) {
    const body = { port: { network_id, ...chosen } }
    assert.equal((await call('POST', '/v2.0/ports', { body })).statusCode, 403, JSON.stringify(chosen))
  }
  assert.deepEqual(addressesOf(await make<PortView>('/v2.0/ports', { port: { network_id } })), ['10.0.0.3'])
})

test('an administrator binds a port and sees how', async (t) => {
  const { makePort, call } = await siteWithSubnet(t)
  const { id } = await makePort()
  const body = { port: { 'binding:host_id': 'h1' } }
  const { port } = (await call('PUT', `/v2.0/ports/${id}`, { bearer: 'admin', body })).json()
  assert.deepEqual([port['binding:host_id'], port['binding:vif_type']], ['h1', 'bridge'])
  const filter = '/v2.0/ports?binding:host_id=h1'
  assert.equal((await call('GET', filter, { bearer: 'admin' })).json().ports.length, 1)
  assert.equal((await call('GET', filter)).statusCode, 400)
})

test('ports are found by address, subnet and device', async (t) => {
  const { makePort, call, subnet_id } = await siteWithSubnet(t)
  await makePort({ name: 'a', fixed_ips: [{ ip_address: '10.0.0.5' }] })
  await makePort({ name: 'b', device_id: 'vm' })
  const names = async (query: string) =>
    (await call('GET', `/v2.0/ports?${query}`)).json().ports.map(({ name }: { name: string }) => name)
  assert.deepEqual(await names('fixed_ips=ip_address=10.0.0.5'), ['a'])
  assert.deepEqual((await names(`fixed_ips=subnet_id=${subnet_id}`)).sort(), ['a', 'b'])
  assert.deepEqual(await names(`fixed_ips=subnet_id=${subnet_id}&fixed_ips=ip_address=10.0.0.6`), [])
  assert.deepEqual(await names('device_id=vm'), ['b'])
})

test('ports that are made at the same time get different addresses, and only as many as there are', async (t) => {
  const { call, network_id } = await siteWithSubnet(t, { cidr: '10.0.0.0/27' })
  const replies = await Promise.all(
    Array.from({ length: 40 }, () => call('POST', '/v2.0/ports', { body: { port: { network_id } } })),
  )
  const made = replies.filter(({ statusCode }) => statusCode === 201)
  const addresses = made.flatMap((reply) => addressesOf(reply.json().port))
  assert.deepEqual([made.length, new Set(addresses).size], [29, 29])
  assert.ok(replies.every(({ statusCode }) => statusCode === 201 || statusCode === 409))
})
