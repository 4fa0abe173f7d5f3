import assert from 'node:assert/strict'
import test from 'node:test'
import { cloudScope, takenNumbers } from '@atoll/state'
import { networks } from '../records.ts'
import { networkSite } from '../testing/network-site.ts'

interface NetworkView {
  readonly id: string
  readonly name: string
  readonly [name: string]: unknown
}

test('a network is made with defaults, and its owner sees no provider attributes', async (t) => {
  const { make } = await networkSite(t)
  const network = await make<NetworkView>('/v2.0/networks', { network: { name: 'n' } })
  assert.match(String(network.created_at), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
  const { id, created_at, updated_at, revision_number, ...shown } = network
  assert.equal(updated_at, created_at)
  assert.equal(typeof revision_number, 'number')
  assert.match(id, /^[0-9a-f-]{36}$/)
  assert.deepEqual(shown, {
    name: 'n',
    description: '',
    status: 'ACTIVE',
    admin_state_up: true,
    shared: false,
    'router:external': false,
    mtu: 1400,
    port_security_enabled: true,
    subnets: [],
    availability_zone_hints: [],
    availability_zones: [],
    ipv4_address_scope: null,
    ipv6_address_scope: null,
    tags: [],
    project_id: 'p1',
    tenant_id: 'p1',
  })
})

test('an administrator sees the VNI, sets what others may not, and makes networks for a project', async (t) => {
  const { make, call } = await networkSite(t)
  const body = { network: { name: 'n', shared: true, 'router:external': true, tenant_id: 'p2' } }
  const network = await make<NetworkView>('/v2.0/networks', body, 'admin')
  assert.deepEqual(
    [network['provider:network_type'], network['provider:segmentation_id'], network.project_id],
    ['vxlan', 4096, 'p2'],
  )
  for (const attribute of [{ shared: true }, { 'router:external': true }]) {
    const reply = await call('POST', '/v2.0/networks', { body: { network: attribute } })
    assert.equal(reply.statusCode, 403)
    assert.equal(reply.json().NeutronError.type, 'PolicyNotAuthorized')
  }
  const foreign = await call('POST', '/v2.0/networks', { body: { network: { tenant_id: 'p2' } } })
  assert.deepEqual([foreign.statusCode, foreign.json().NeutronError.type], [400, 'HTTPBadRequest'])
})

test('several networks are made at once or not at all', async (t) => {
  const { make, call, state } = await networkSite(t, { vnisCount: 3 })
  const made = await make<NetworkView[]>('/v2.0/networks', { networks: [{ name: 'a' }, { name: 'b' }] })
  assert.deepEqual(
    made.map(({ name }) => name),
    ['a', 'b'],
  )
  const refused = await call('POST', '/v2.0/networks', { body: { networks: [{ name: 'c' }, { name: 'd' }] } })
  assert.deepEqual([refused.statusCode, refused.json().NeutronError.type], [503, 'NoNetworkAvailable'])
  assert.equal((await state.select(cloudScope('test'), networks).selectAll().execute()).length, 2)
})

test('a deleted network gives its VNI back, and its subnets and DHCP port go with it', async (t) => {
  const { make, call, state } = await networkSite(t)
  const network = await make<NetworkView>('/v2.0/networks', { network: {} })
  await make('/v2.0/subnets', { subnet: { network_id: network.id, cidr: '10.0.0.0/24' } })
  assert.equal((await call('DELETE', `/v2.0/networks/${network.id}`)).statusCode, 204)
  assert.deepEqual(await state.local(takenNumbers).selectAll().execute(), [])
  for (const collection of ['networks', 'subnets', 'ports']) {
    assert.deepEqual((await call('GET', `/v2.0/${collection}`)).json(), { [collection]: [] })
  }
  const again = await call('DELETE', `/v2.0/networks/${network.id}`)
  assert.deepEqual([again.statusCode, again.json().NeutronError.type], [404, 'NetworkNotFound'])
})

test('a network with a port is in use', async (t) => {
  const { make, call } = await networkSite(t)
  const { id } = await make('/v2.0/networks', { network: {} })
  await make('/v2.0/ports', { port: { network_id: id } })
  const reply = await call('DELETE', `/v2.0/networks/${id}`)
  assert.deepEqual([reply.statusCode, reply.json().NeutronError.type], [409, 'NetworkInUse'])
})

test('a shared network and its subnets are seen by all, changed by their owner', async (t) => {
  const { make, call } = await networkSite(t)
  const { id } = await make('/v2.0/networks', { network: {} })
  const subnet = await make('/v2.0/subnets', { subnet: { network_id: id, cidr: '10.0.0.0/24' } })
  assert.equal((await call('GET', `/v2.0/networks/${id}`, { bearer: 'other' })).statusCode, 404)
  const share = (shared: boolean) =>
    call('PUT', `/v2.0/networks/${id}`, { bearer: 'admin', body: { network: { shared } } })
  assert.equal((await share(true)).json().network.shared, true)
  for (const path of [`/v2.0/networks/${id}`, `/v2.0/subnets/${subnet.id}`]) {
    assert.equal((await call('GET', path, { bearer: 'other' })).statusCode, 200)
    assert.equal((await call('DELETE', path, { bearer: 'other' })).statusCode, 403)
  }
  const port = await make('/v2.0/ports', { port: { network_id: id } }, 'other')
  assert.deepEqual((await share(false)).json().NeutronError.type, 'InvalidSharedSetting')
  assert.equal((await call('DELETE', `/v2.0/ports/${port.id}`, { bearer: 'other' })).statusCode, 204)
  assert.equal((await share(false)).statusCode, 200)
  assert.equal((await call('GET', `/v2.0/subnets/${subnet.id}`, { bearer: 'other' })).statusCode, 404)
})

const badBodies: readonly [why: string, body: object, message: RegExp][] = [
  ['no resource', {}, /^Unable to find 'network' in request body$/],
  ['no object', { network: 7 }, /^Resource body required$/],
  ['no list', { networks: {} }, /^Resource body required$/],
  ['unknown attribute', { network: { colour: 1 } }, /^Unrecognized attribute\(s\) 'colour'$/],
  ['read-only attribute', { network: { status: 'X' } }, /^Attribute 'status' not allowed in POST$/],
  ['wrong type', { network: { name: 7 } }, /Invalid input for field\/attribute name/],
  ['small MTU', { network: { mtu: 68 } }, /less than the minimum of 576/],
]
for (const [why, body, message] of badBodies) {
  test(`a network with ${why} is 400 and nothing is written`, async (t) => {
    const { call } = await networkSite(t)
    const reply = await call('POST', '/v2.0/networks', { body })
    assert.equal(reply.statusCode, 400)
    assert.equal(reply.json().NeutronError.type, 'HTTPBadRequest')
    assert.match(reply.json().NeutronError.message, message)
    assert.deepEqual((await call('GET', '/v2.0/networks')).json().networks, [])
  })
}

test('an update changes what it names, and refuses what is read-only', async (t) => {
  const { make, call } = await networkSite(t)
  const { id } = await make('/v2.0/networks', { network: { name: 'old', description: 'kept' } })
  const body = { network: { name: 'new', admin_state_up: false } }
  const { network } = (await call('PUT', `/v2.0/networks/${id}`, { body })).json()
  assert.deepEqual(
    [network.name, network.description, network.admin_state_up, network.revision_number > 1],
    ['new', 'kept', false, true],
  )
  const refused = await call('PUT', `/v2.0/networks/${id}`, { body: { network: { tenant_id: 'p2' } } })
  assert.deepEqual(
    [refused.statusCode, refused.json().NeutronError.message],
    [400, 'Cannot update read-only attribute tenant_id'],
  )
})
