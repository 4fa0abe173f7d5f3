import assert from 'node:assert/strict'
import test from 'node:test'
import type { Api } from '@atoll/http'
import { type ContractPeer, openContractPeer, type Target } from './peer/contract-peer.ts'
import { assertWellFormed, jsonOf, type Reply } from './peer/reply.ts'
import { goodRequest } from './requests/good-request.ts'
import { plainName } from './requests/samples.ts'
import { Verdicts } from './verdicts.ts'

const versioned = ({ targets }: ContractPeer) => targets.filter(({ api }) => api.microversions)

/** By what the headers ask for: the status, or undefined when the request is carried out as usual. */
const VERSIONS: readonly (readonly [
  headers: Readonly<Record<string, string>>,
  status: number | undefined,
])[] = [
  ...[
    '',
    '2',
    '2.',
    '.1',
    '2.1.1',
    '2.01',
    '-2.1',
    'two.one',
    '2,1',
    '2.1 2.2',
    '1e3',
    '2.9999',
    `2.${'9'.repeat(500)}`,
    'LATEST',
  ].map((version) => [{ 'openstack-api-version': `compute ${version}` }, 400] as const),
  ...['1.1', '2.0', '2.999', '3.0', '999.999'].map(
    (version) => [{ 'openstack-api-version': `compute ${version}` }, 406] as const,
  ),
  [{ 'openstack-api-version': 'volume 3.50' }, undefined],
  [{ 'openstack-api-version': 'volume 3.50, compute 2.999' }, 406],
  [{ 'openstack-api-version': 'compute 2.1,compute 2.999' }, undefined],
  [{ 'openstack-api-version': ', ,,' }, undefined],
  [{ 'x-openstack-nova-api-version': '2.999' }, 406],
  [{ 'x-openstack-nova-api-version': 'two' }, 400],
  [{ 'openstack-api-version': 'compute 2.1', 'x-openstack-nova-api-version': '2.999' }, undefined],
  [{ 'openstack-api-version': 'COMPUTE 2.999' }, 406],
]

test('a microversion that is malformed is 400, one out of range 406 with the bounds, on every endpoint', async (t) => {
  const peer = await openContractPeer(t)
  const verdicts = new Verdicts()
  for (const target of versioned(peer)) {
    const good = await goodRequest(peer, target)
    const { 'openstack-api-version': _, ...headers } = good.headers
    const before = await peer.head()
    for (const [asked, status] of VERSIONS) {
      if (status === undefined) continue
      const reply = await peer.send({ ...good, headers: { ...headers, ...asked } })
      const what = `${target.name} with ${JSON.stringify(asked).slice(0, 100)}`
      verdicts.check(() => {
        assertWellFormed(target.api, reply, what)
        assert.equal(reply.status, status, `${what} → ${reply.status} ${reply.text}`)
      })
    }
    const after = await peer.head()
    verdicts.check(() => assert.equal(after, before, `${target.name} wrote something`))
  }
  verdicts.conclude(1000)
})

test('the reply names the version that was carried out, whichever header asked for it', async (t) => {
  const peer = await openContractPeer(t)
  const target = versioned(peer).find((each) => plainName(each) === 'GET /compute/v2.1/flavors')
  assert.ok(target)
  const { min = '', max = '' } = target.api.microversions ?? {}
  const executed = async (headers: Record<string, string>) => {
    const reply = await peer.send({
      method: 'GET',
      url: '/compute/v2.1/flavors',
      token: peer.tokens.admin,
      headers,
    })
    assert.equal(reply.status, 200, reply.text)
    const { 'openstack-api-version': current, 'x-openstack-nova-api-version': legacy, vary } = reply.headers
    assert.equal(current, `compute ${String(legacy)}`)
    assert.match(String(vary), /OpenStack-API-Version/i)
    return legacy
  }
  assert.equal(await executed({}), min)
  assert.equal(await executed({ 'openstack-api-version': 'compute latest' }), max)
  assert.equal(await executed({ 'openstack-api-version': 'volume 3.1, compute 2.7' }), '2.7')
  assert.equal(await executed({ 'x-openstack-nova-api-version': '2.8' }), '2.8')
  for (const [headers, status] of VERSIONS)
    if (status === undefined) assert.equal(await executed({ ...headers }), min)
})

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const

test('a method that a path does not have is 405 with those that it has', async (t) => {
  const peer = await openContractPeer(t)
  const verdicts = new Verdicts()
  for (const [path, targets] of Map.groupBy(
    peer.targets,
    ({ api, endpoint }) => api.prefix + endpoint.path,
  )) {
    const [target] = targets
    if (!target) continue
    const good = await goodRequest(peer, target)
    const has = methodsAt(peer, good.url)
    const before = await peer.head()
    for (const method of METHODS.filter((each) => !has.has(each))) {
      const reply = await peer.send({ method, url: good.url, token: good.token })
      verdicts.check(() => {
        assertWellFormed(target.api, reply, `${method} ${path}`)
        assert.equal(reply.status, 405, `${method} ${path} → ${reply.status} ${reply.text}`)
        const allowed = String(reply.headers.allow).split(', ')
        for (const { endpoint } of targets)
          assert.ok(allowed.includes(endpoint.method), `${path}: ${allowed.join()}`)
        for (const each of allowed) assert.ok(has.has(each), `${path}: ${each}`)
      })
    }
    const after = await peer.head()
    verdicts.check(() => assert.equal(after, before, `${path}: something was written`))
  }
  verdicts.conclude(300)
})

/** The methods of every endpoint to which a URL leads: `/servers/detail` is a server's path, too, as it is for Nova. */
function methodsAt({ targets }: ContractPeer, url: string): ReadonlySet<string> {
  const parts = (path: string) => (path.split('?')[0] ?? '').split('/')
  const wanted = parts(url)
  const leadsTo = ({ api, endpoint }: Target) => {
    const pattern = parts(api.prefix + endpoint.path)
    return (
      pattern.length === wanted.length &&
      pattern.every((part, index) => part.startsWith(':') || part === wanted[index])
    )
  }
  return new Set(targets.filter(leadsTo).map(({ endpoint }) => endpoint.method))
}

test('HEAD and OPTIONS are answered in the form of the API, and write nothing', async (t) => {
  const peer = await openContractPeer(t)
  const verdicts = new Verdicts()
  for (const target of peer.targets) {
    const good = await goodRequest(peer, target)
    const before = await peer.head()
    for (const method of ['HEAD', 'OPTIONS']) {
      const reply = await peer.send({
        method,
        url: good.url,
        token: good.token,
        headers: { 'x-subject-token': peer.tokens.alpha },
      })
      verdicts.check(() => {
        assertWellFormed(target.api, reply, `${method} ${good.url}`)
        assert.ok([200, 204, 404, 405].includes(reply.status), `${method} ${good.url} → ${reply.status}`)
        if (method === 'HEAD') assert.equal(reply.text, '')
      })
    }
    const after = await peer.head()
    verdicts.check(() => assert.equal(after, before, `${target.name}: something was written`))
  }
  verdicts.conclude(600)
})

test('a path that no API has is 404 in the form of the API that it begins with', async (t) => {
  const peer = await openContractPeer(t)
  const verdicts = new Verdicts()
  const paths = (api: Api) => [
    `${api.prefix}/nowhere`,
    `${api.prefix}/v9/servers`,
    `${api.prefix}/${'x/'.repeat(500)}`,
  ]
  for (const api of peer.peer.apis)
    for (const url of paths(api))
      for (const method of METHODS)
        for (const token of [undefined, peer.tokens.admin]) {
          const reply = await peer.send({ method, url, token })
          verdicts.check(() => assertNotFound({ api }, reply, `${method} ${url}`))
        }
  verdicts.conclude(100)
})

function assertNotFound({ api }: Pick<Target, 'api'>, reply: Reply, what: string): void {
  assertWellFormed(api, reply, what)
  assert.equal(reply.status, 404, `${what} → ${reply.status} ${reply.text}`)
  assert.notDeepEqual(jsonOf(reply), {})
}
