import assert from 'node:assert/strict'
import test from 'node:test'
import { type ContractPeer, openContractPeer } from './peer/contract-peer.ts'
import { assertWellFormed, jsonOf } from './peer/reply.ts'
import { PASSWORD, PUBLIC_KEY } from './peer/tenancy.ts'

const AT_ONCE = 50

interface Race {
  readonly url: string
  readonly body: (ids: ContractPeer['ids']) => object
  /** Where and under which name the winners are listed. */
  readonly list: string
  readonly found: (list: object, name: string) => readonly unknown[]
  readonly bearer?: 'alpha'
  readonly refusals?: readonly number[]
}

const NAME = 'only-one'
const named = (plural: string) => (list: object, name: string) =>
  ((list as Record<string, readonly { name: string }[]>)[plural] ?? []).filter((item) => item.name === name)

const races: Readonly<Record<string, Race>> = {
  project: {
    url: '/identity/v3/projects',
    body: () => ({ project: { name: NAME } }),
    list: '/identity/v3/projects',
    found: named('projects'),
  },
  user: {
    url: '/identity/v3/users',
    body: () => ({ user: { name: NAME, password: PASSWORD } }),
    list: '/identity/v3/users',
    found: named('users'),
  },
  domain: {
    url: '/identity/v3/domains',
    body: () => ({ domain: { name: NAME } }),
    list: '/identity/v3/domains',
    found: named('domains'),
  },
  role: {
    url: '/identity/v3/roles',
    body: () => ({ role: { name: NAME } }),
    list: '/identity/v3/roles',
    found: named('roles'),
  },
  'flavor by name': {
    url: '/compute/v2.1/flavors',
    body: () => ({ flavor: { name: NAME, ram: 1, vcpus: 1, disk: 1 } }),
    list: '/compute/v2.1/flavors',
    found: named('flavors'),
  },
  keypair: {
    url: '/compute/v2.1/os-keypairs',
    body: () => ({ keypair: { name: NAME, public_key: PUBLIC_KEY } }),
    list: '/compute/v2.1/os-keypairs',
    found: (list, name) =>
      (list as { keypairs: { keypair: { name: string } }[] }).keypairs.filter(
        ({ keypair }) => keypair.name === name,
      ),
    bearer: 'alpha',
  },
  'image by id': {
    url: '/image/v2/images',
    body: () => ({ id: '12345678-1234-4234-8234-123456789abc', name: NAME }),
    list: '/image/v2/images',
    found: named('images'),
  },
  'port by address': {
    url: '/network/v2.0/ports',
    body: ({ network, subnet }) => ({
      port: { name: NAME, network_id: network, fixed_ips: [{ subnet_id: subnet, ip_address: '10.0.9.9' }] },
    }),
    list: '/network/v2.0/ports',
    found: named('ports'),
  },
  'port by MAC address': {
    url: '/network/v2.0/ports',
    body: ({ network }) => ({ port: { name: NAME, network_id: network, mac_address: 'fa:16:3e:12:34:56' } }),
    list: '/network/v2.0/ports',
    found: named('ports'),
  },
  subnet: {
    url: '/network/v2.0/subnets',
    body: ({ network }) => ({ subnet: { name: NAME, network_id: network, cidr: '10.77.0.0/24' } }),
    list: '/network/v2.0/subnets',
    found: named('subnets'),
    refusals: [400],
  },
}

for (const [what, { url, body, list, found, bearer = 'admin', refusals = [409] }] of Object.entries(races)) {
  test(`of ${AT_ONCE} creations of the same ${what} at once, one wins`, async (t) => {
    const peer = await openContractPeer(t)
    const token = peer.tokens[bearer]
    const api = peer.peer.apis.find(({ prefix }) => url.startsWith(prefix))
    assert.ok(api)
    const request = { method: 'POST', url, token, body: JSON.stringify(body(peer.ids)) }
    const replies = await Promise.all(Array.from({ length: AT_ONCE }, () => peer.send(request)))
    for (const reply of replies) assertWellFormed(api, reply, what)
    const winners = replies.filter(({ status }) => status < 300)
    assert.equal(
      winners.length,
      1,
      JSON.stringify(Object.groupBy(replies, ({ status }) => status)).slice(0, 500),
    )
    for (const reply of replies)
      assert.ok(reply === winners[0] || refusals.includes(reply.status), `${reply.status} ${reply.text}`)
    const listed = await peer.send({ method: 'GET', url: list, token })
    assert.equal(found(jsonOf(listed), NAME).length, 1)
  })
}

test('of 50 deletions of the same thing at once, one wins, and the others find nothing', async (t) => {
  const peer = await openContractPeer(t)
  const { port } = await peer.make({
    url: '/network/v2.0/ports',
    token: peer.tokens.alpha,
    body: { port: { network_id: peer.ids.network } },
  })
  const url = `/network/v2.0/ports/${(port as { id: string }).id}`
  const request = { method: 'DELETE', url, token: peer.tokens.alpha }
  const replies = await Promise.all(Array.from({ length: AT_ONCE }, () => peer.send(request)))
  assert.equal(replies.filter(({ status }) => status === 204).length, 1)
  assert.equal(replies.filter(({ status }) => status === 404).length, AT_ONCE - 1)
})
