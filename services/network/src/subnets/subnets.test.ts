import assert from 'node:assert/strict'
import test from 'node:test'
import { networkSite } from '../testing/network-site.ts'

interface SubnetView {
  readonly id: string
  readonly cidr: string
  readonly gateway_ip: string | null
  readonly allocation_pools: readonly { readonly start: string; readonly end: string }[]
}

interface PortView {
  readonly device_owner: string
  readonly mac_address: string
  readonly fixed_ips: readonly { readonly subnet_id: string; readonly ip_address: string }[]
}

async function siteWithNetwork(t: Parameters<typeof networkSite>[0]) {
  const site = await networkSite(t)
  const { id: network_id } = await site.make('/v2.0/networks', { network: {} })
  const makeSubnet = (subnet: object) =>
    site.make<SubnetView>('/v2.0/subnets', { subnet: { network_id, ip_version: 4, ...subnet } })
  const refusal = async (subnet: object) => {
    const body = { subnet: { network_id, ip_version: 4, ...subnet } }
    const reply = await site.call('POST', '/v2.0/subnets', { body })
    return { status: reply.statusCode, ...reply.json().NeutronError }
  }
  const ports = async () => (await site.call('GET', '/v2.0/ports')).json().ports as PortView[]
  return { ...site, network_id, makeSubnet, refusal, ports }
}

test('a subnet loses its host bits, and its first address is the gateway', async (t) => {
  const { makeSubnet } = await siteWithNetwork(t)
  const subnet = await makeSubnet({ cidr: '10.1.2.3/24' })
  assert.deepEqual(
    [subnet.cidr, subnet.gateway_ip, subnet.allocation_pools],
    ['10.1.2.0/24', '10.1.2.1', [{ start: '10.1.2.2', end: '10.1.2.254' }]],
  )
})

test('without a gateway every address can be given', async (t) => {
  const { makeSubnet } = await siteWithNetwork(t)
  const subnet = await makeSubnet({ cidr: '10.1.2.0/29', gateway_ip: null })
  assert.deepEqual(
    [subnet.gateway_ip, subnet.allocation_pools],
    [null, [{ start: '10.1.2.1', end: '10.1.2.6' }]],
  )
})

test('one DHCP port has an address of each subnet with DHCP, and goes with the last', async (t) => {
  const { makeSubnet, ports, call } = await siteWithNetwork(t)
  const first = await makeSubnet({ cidr: '10.0.0.0/24' })
  const second = await makeSubnet({ cidr: '10.0.1.0/24' })
  await makeSubnet({ cidr: '10.0.2.0/24', enable_dhcp: false })
  const [dhcp, ...others] = await ports()
  assert.deepEqual(others, [])
  assert.equal(dhcp?.device_owner, 'network:dhcp')
  assert.deepEqual(dhcp?.fixed_ips, [
    { subnet_id: first.id, ip_address: '10.0.0.2' },
    { subnet_id: second.id, ip_address: '10.0.1.2' },
  ])
  const off = { body: { subnet: { enable_dhcp: false } } }
  assert.equal((await call('PUT', `/v2.0/subnets/${first.id}`, off)).statusCode, 200)
  assert.equal((await ports())[0]?.fixed_ips.length, 1)
  assert.equal((await call('DELETE', `/v2.0/subnets/${second.id}`)).statusCode, 204)
  assert.deepEqual(await ports(), [])
  const on = { body: { subnet: { enable_dhcp: true } } }
  assert.equal((await call('PUT', `/v2.0/subnets/${first.id}`, on)).statusCode, 200)
  assert.equal((await ports())[0]?.fixed_ips[0]?.subnet_id, first.id)
})

test('the DHCP port is not for clients to delete', async (t) => {
  const { makeSubnet, call } = await siteWithNetwork(t)
  await makeSubnet({ cidr: '10.0.0.0/24' })
  const [dhcp] = (await call('GET', '/v2.0/ports')).json().ports
  const reply = await call('DELETE', `/v2.0/ports/${dhcp.id}`)
  assert.deepEqual([reply.statusCode, reply.json().NeutronError.type], [409, 'ServicePortInUse'])
})

const refusals: readonly [subnet: object, status: number, type: string, message: RegExp][] = [
  [{ cidr: 'fd00::/64', ip_version: 6 }, 400, 'InvalidInput', /IPv6 subnets are not supported/],
  [{ cidr: 'fd00::/64' }, 400, 'InvalidInput', /do not match/],
  [{ cidr: '10.0.0.0' }, 400, 'InvalidInput', /'10.0.0.0' is not a valid IP subnet/],
  [{ cidr: '0.0.0.0/0' }, 400, 'InvalidInput', /0 is not allowed as CIDR prefix length/],
  [{ cidr: '10.0.0.0/31' }, 400, 'InvalidInput', /no room/],
  [{ cidr: '127.0.1.0/24' }, 400, 'InvalidInput', /loopback/],
  [{ cidr: '224.0.1.0/24' }, 400, 'InvalidInput', /multicast/],
  [{ cidr: '10.0.0.0/24', gateway_ip: '10.0.1.1' }, 400, 'InvalidInput', /Gateway is not valid on subnet/],
  [{ cidr: '10.0.0.0/24', gateway_ip: '10.0.0.255' }, 400, 'InvalidInput', /Gateway is not valid/],
  [
    { cidr: '10.0.0.0/24', allocation_pools: [{ start: '10.0.0.1', end: '10.0.0.9' }] },
    409,
    'GatewayConflictWithAllocationPools',
    /10\.0\.0\.1 conflicts with allocation pool 10\.0\.0\.1-10\.0\.0\.9/,
  ],
  [
    { cidr: '10.0.0.0/24', allocation_pools: [{ start: '10.0.0.9', end: '10.0.0.2' }] },
    400,
    'InvalidAllocationPool',
    /10\.0\.0\.9-10\.0\.0\.2/,
  ],
  [
    { cidr: '10.0.0.0/24', allocation_pools: [{ start: '10.0.0.9', end: '10.0.1.2' }] },
    400,
    'OutOfBoundsAllocationPool',
    /spans beyond the subnet cidr/,
  ],
  [
    {
      cidr: '10.0.0.0/24',
      allocation_pools: [
        { start: '10.0.0.20', end: '10.0.0.30' },
        { start: '10.0.0.2', end: '10.0.0.20' },
      ],
    },
    409,
    'OverlappingAllocationPools',
    /overlapping allocation pools: 10\.0\.0\.2-10\.0\.0\.20 10\.0\.0\.20-10\.0\.0\.30/,
  ],
  [
    {
      cidr: '10.0.0.0/24',
      dns_nameservers: ['1.1.1.1', '1.1.1.2', '1.1.1.3', '1.1.1.4', '1.1.1.5', '1.1.1.6'],
    },
    400,
    'DNSNameServersExhausted',
    /limit 5/,
  ],
  [{ cidr: '10.0.0.0/24', dns_nameservers: ['dns'] }, 400, 'InvalidInput', /'dns' is not a valid/],
  [
    {
      cidr: '10.0.0.0/24',
      host_routes: Array.from({ length: 21 }, () => ({ destination: '10.9.0.0/16', nexthop: '10.0.0.1' })),
    },
    400,
    'HostRoutesExhausted',
    /limit 20/,
  ],
  [
    { cidr: '10.0.0.0/24', network_id: '00000000-0000-4000-8000-000000000000' },
    404,
    'NetworkNotFound',
    /could not be found/,
  ],
]
for (const [subnet, status, type, message] of refusals) {
  test(`the subnet ${JSON.stringify(subnet).slice(0, 90)} is ${status} ${type}`, async (t) => {
    const { refusal, ports, call } = await siteWithNetwork(t)
    const refused = await refusal(subnet)
    assert.deepEqual([refused.status, refused.type], [status, type])
    assert.match(refused.message, message)
    assert.deepEqual(await ports(), [])
    assert.deepEqual((await call('GET', '/v2.0/subnets')).json().subnets, [])
  })
}

test('subnets of one network do not overlap, those of two may', async (t) => {
  const { makeSubnet, refusal, make } = await siteWithNetwork(t)
  await makeSubnet({ cidr: '10.0.0.0/16' })
  const refused = await refusal({ cidr: '10.0.7.0/24' })
  assert.deepEqual([refused.status, refused.type], [400, 'InvalidInput'])
  assert.match(refused.message, /overlaps with another subnet/)
  const { id: network_id } = await make('/v2.0/networks', { network: {} })
  assert.equal((await makeSubnet({ network_id, cidr: '10.0.7.0/24' })).cidr, '10.0.7.0/24')
})

test('an update changes gateway, DNS and routes, and never the cidr', async (t) => {
  const { makeSubnet, call } = await siteWithNetwork(t)
  const { id } = await makeSubnet({
    cidr: '10.0.0.0/24',
    allocation_pools: [{ start: '10.0.0.10', end: '10.0.0.20' }],
  })
  const put = (subnet: object) => call('PUT', `/v2.0/subnets/${id}`, { body: { subnet } })
  const { subnet } = (
    await put({
      gateway_ip: '10.0.0.2',
      dns_nameservers: ['9.9.9.9'],
      host_routes: [{ destination: '10.9.1.1/16', nexthop: '10.0.0.3' }],
    })
  ).json()
  assert.deepEqual(
    [subnet.gateway_ip, subnet.dns_nameservers, subnet.host_routes],
    ['10.0.0.2', ['9.9.9.9'], [{ destination: '10.9.0.0/16', nexthop: '10.0.0.3' }]],
  )
  assert.equal((await put({ gateway_ip: '10.0.0.12' })).statusCode, 409)
  assert.equal((await put({ gateway_ip: null })).json().subnet.gateway_ip, null)
  assert.equal(
    (await put({ cidr: '10.1.0.0/24' })).json().NeutronError.message,
    'Cannot update read-only attribute cidr',
  )
})

test('a subnet with a port is in use', async (t) => {
  const { makeSubnet, make, call, network_id } = await siteWithNetwork(t)
  const { id } = await makeSubnet({ cidr: '10.0.0.0/24' })
  const port = await make('/v2.0/ports', { port: { network_id } })
  const reply = await call('DELETE', `/v2.0/subnets/${id}`)
  assert.deepEqual([reply.statusCode, reply.json().NeutronError.type], [409, 'SubnetInUse'])
  assert.equal((await call('DELETE', `/v2.0/ports/${port.id}`)).statusCode, 204)
  assert.equal((await call('DELETE', `/v2.0/subnets/${id}`)).statusCode, 204)
})

test('nobody makes a subnet in a network of others', async (t) => {
  const { call, make } = await siteWithNetwork(t)
  const shared = await make('/v2.0/networks', { network: { shared: true } }, 'admin')
  const body = { subnet: { network_id: shared.id, cidr: '10.0.0.0/24' } }
  assert.equal((await call('POST', '/v2.0/subnets', { body })).statusCode, 403)
})
