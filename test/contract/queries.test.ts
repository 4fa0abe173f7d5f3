import assert from 'node:assert/strict'
import test from 'node:test'
import { type ContractPeer, openContractPeer, type Target } from './peer/contract-peer.ts'
import { assertWellFormed } from './peer/reply.ts'
import { parametersOf } from './requests/fill-path.ts'
import { goodRequest } from './requests/good-request.ts'
import { junkQueries, repeatedNames } from './requests/queries.ts'
import { isWithProject } from './requests/samples.ts'
import { Verdicts } from './verdicts.ts'

const readers = ({ targets }: ContractPeer) =>
  targets.filter(
    (target) =>
      target.endpoint.method === 'GET' &&
      target.endpoint.until === undefined &&
      !isWithProject(target) &&
      parametersOf(target).length === 0,
  )

async function tryQuery(
  peer: ContractPeer,
  verdicts: Verdicts,
  { target, query, statuses }: { target: Target; query: string; statuses?: readonly number[] },
): Promise<void> {
  const good = await goodRequest(peer, target)
  const before = await peer.head()
  const bugs = peer.bugs.length
  const reply = await peer.send({ ...good, url: `${good.url}?${query}` })
  const after = await peer.head()
  const seen = `${target.name} (${target.endpoint.until ?? 'latest'}) ?${query.slice(0, 80)} → ${reply.status} ${reply.text.slice(0, 300)}`
  verdicts.check(() => {
    assert.equal(peer.bugs.length, bugs, `${seen}: ${String((peer.bugs.at(-1) as Error)?.stack)}`)
    assertWellFormed(target.api, reply, seen)
    assert.equal(after, before, `${seen}: something was written`)
    if (reply.status >= 400) assert.ok(reply.text.length < 10_000, `${seen}: the reply repeats all of it`)
    if (statuses) assert.ok(statuses.includes(reply.status), seen)
  })
}

test('a query with junk in any parameter is answered or refused, and never fails', async (t) => {
  const peer = await openContractPeer(t)
  const verdicts = new Verdicts()
  for (const target of readers(peer))
    for (const query of junkQueries(target, peer.ids)) await tryQuery(peer, verdicts, { target, query })
  t.diagnostic(`${peer.sent()} requests`)
  verdicts.conclude(3000)
})

/** What pages: a limit that is no number of things, and a marker that names nothing, are refused wherever they count. */
const PAGED: Readonly<Record<string, string>> = {
  'GET /compute/v2.1/servers': 'latest',
  'GET /compute/v2.1/servers/detail': 'latest',
  'GET /compute/v2.1/flavors': 'latest',
  'GET /compute/v2.1/flavors/detail': 'latest',
  'GET /compute/v2.1/os-keypairs': 'latest',
  'GET /network/v2.0/networks': 'latest',
  'GET /network/v2.0/subnets': 'latest',
  'GET /network/v2.0/ports': 'latest',
  'GET /image/v2/images': 'latest',
}
const BAD_PAGES = [
  ...['limit=-1', 'limit=x', 'limit=NaN', 'limit=1.5', 'limit=--1', 'limit=1x'],
  ...['marker=nowhere', 'marker=00000000-0000-4000-8000-000000000000', `marker=${'x'.repeat(3000)}`],
  ...['sort_key=nothing', 'sort_key=__proto__', 'sort_key=constructor', 'sort_key=id&sort_dir=up'],
]

test('a page that cannot be is a bad request', async (t) => {
  const peer = await openContractPeer(t)
  const verdicts = new Verdicts()
  const paged = peer.targets.filter(
    ({ name, endpoint }) => PAGED[name] !== undefined && endpoint.until === undefined,
  )
  assert.equal(new Set(paged.map(({ name }) => name)).size, Object.keys(PAGED).length)
  for (const target of paged)
    for (const query of BAD_PAGES) {
      // Keypairs have one order only.
      const isSort = query.startsWith('sort_') && target.name.endsWith('os-keypairs')
      if (!isSort) await tryQuery(peer, verdicts, { target, query, statuses: [400, 404] })
    }
  verdicts.conclude(100)
})

test("another tenant's thing marks no page", async (t) => {
  const peer = await openContractPeer(t)
  const { ids, tokens } = peer
  const verdicts = new Verdicts()
  const markers: Readonly<Record<string, string>> = {
    '/compute/v2.1/servers': ids.server,
    '/compute/v2.1/flavors': ids.flavor,
    '/compute/v2.1/os-keypairs': ids.keypair,
    '/network/v2.0/networks': ids.network,
    '/network/v2.0/subnets': ids.subnet,
    '/network/v2.0/ports': ids.port,
    '/image/v2/images': ids.image,
  }
  const headers = { 'openstack-api-version': 'compute 2.60' }
  for (const [path, marker] of Object.entries(markers)) {
    const url = `${path}?marker=${marker}`
    const ask = (token: string) => peer.send({ method: 'GET', url, headers, token })
    const [own, foreign] = [await ask(tokens.alpha), await ask(tokens.beta)]
    verdicts.check(() => {
      assert.equal(own.status, 200, `${url} → ${own.text}`)
      assert.ok(
        foreign.status === 400 || foreign.status === 404,
        `${url} → ${foreign.status} ${foreign.text}`,
      )
    })
  }
  verdicts.conclude(7)
})

test('a limit of nothing, of more than all, and one that is repeated are taken by every list', async (t) => {
  const peer = await openContractPeer(t)
  const verdicts = new Verdicts()
  for (const target of peer.targets.filter(
    ({ name, endpoint }) => PAGED[name] !== undefined && endpoint.until === undefined,
  ))
    for (const query of [
      'limit=0',
      'limit=1',
      'limit=1000000',
      'limit=1&limit=2',
      repeatedNames('limit', 100),
    ])
      await tryQuery(peer, verdicts, { target, query, statuses: [200, 400] })
  verdicts.conclude(40)
})
