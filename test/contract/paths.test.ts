import assert from 'node:assert/strict'
import { request } from 'node:http'
import type { AddressInfo } from 'node:net'
import test from 'node:test'
import { type ContractPeer, openContractPeer, type Target } from './peer/contract-peer.ts'
import { assertWellFormed, type Reply } from './peer/reply.ts'
import { type Kind, SECRET, type Thing, until } from './peer/tenancy.ts'
import { fillPath, type Parameter, parametersOf } from './requests/fill-path.ts'
import { type GoodRequest, goodRequest } from './requests/good-request.ts'
import { plainName } from './requests/samples.ts'
import { Verdicts } from './verdicts.ts'

/** In place of an id, as they stand in the URL. */
const JUNK: readonly string[] = [
  'x',
  '0',
  '-1',
  '00000000-0000-4000-8000-000000000000',
  '0'.repeat(32),
  '%00',
  'a%00b',
  '%2F',
  '..%2F..%2Fetc%2Fpasswd',
  '%252e%252e',
  '%F0%9F%8F%9D',
  '%EF%BF%BD',
  '%20',
  '%0d%0aset-cookie:a',
  '*',
  "'%20or%201=1--",
  '%3Cscript%3E',
  '__proto__',
  'constructor',
  'detail',
  'null',
  'x'.repeat(1025),
  'x'.repeat(4097),
  '%E2%82%AC'.repeat(300),
]

/** Names that a client chooses: any word may be a good one. */
const CHOSEN = new Set(['tag', 'key', 'member_id'])

/** Limits are those of any project until somebody sets others, so that every word names some to read. */
const isQuota = ({ name }: Target) => /^GET .*\/(os-quota-sets|quotas)\//.test(name)

const withParameters = ({ targets }: ContractPeer) =>
  targets.filter((target) => parametersOf(target).length > 0)

/** Sends a request, looks at its reply and at whether something was written. */
async function look(
  peer: ContractPeer,
  verdicts: Verdicts,
  {
    target,
    sent,
    what,
    check,
  }: {
    readonly target: Target
    readonly sent: GoodRequest
    readonly what: string
    readonly check: (reply: Reply, seen: string) => void
  },
): Promise<void> {
  const before = await peer.head()
  const bugs = peer.bugs.length
  const reply = await peer.send(sent)
  const after = await peer.head()
  const seen = `${target.name} (${target.endpoint.until ?? 'latest'}) with ${what} → ${reply.status} ${reply.text.slice(0, 200)}`
  verdicts.check(() => {
    assert.equal(peer.bugs.length, bugs, `${seen}: ${String((peer.bugs.at(-1) as Error)?.stack)}`)
    assertWellFormed(target.api, reply, seen)
    if (reply.status >= 400 || sent.method === 'GET')
      assert.equal(after, before, `${seen}: something was written`)
    check(reply, seen)
  })
}

test('a path with junk in place of an id names nothing', async (t) => {
  const peer = await openContractPeer(t)
  const verdicts = new Verdicts()
  for (const target of withParameters(peer))
    for (const [place, parameter] of parametersOf(target).entries())
      for (const junk of JUNK) {
        const good = await goodRequest(peer, target)
        const url = replaceSegment(target, good.url, place, junk)
        await look(peer, verdicts, {
          target,
          sent: { ...good, url },
          what: `${parameter.name} = ${junk.slice(0, 40)}`,
          check: ({ status, text }, seen) => {
            const isAnyWord = CHOSEN.has(parameter.name) || isQuota(target) || junk === 'detail'
            assert.ok(status >= 400 || isAnyWord, seen)
            assert.ok(text.length < 20_000, `${seen}: the reply repeats all of it`)
          },
        })
      }
  t.diagnostic(`${peer.sent()} requests`)
  verdicts.conclude(3000)
})

/** The URL with its `place`th parameter replaced as it is, escapes and all. */
function replaceSegment({ endpoint, api }: Target, url: string, place: number, by: string): string {
  const pattern = `${api.prefix}${endpoint.path.replaceAll(/\([^)]*\)/g, '')}`.split('/')
  const places = pattern.flatMap((segment, index) => (segment.startsWith(':') ? [index] : []))
  return url
    .split('/')
    .map((segment, index) => (index === places[place] ? by : segment))
    .join('/')
}

/** What alpha alone and the administrator may see, or change. */
const PRIVATE: ReadonlySet<Kind | undefined> = new Set<Kind>([
  ...([
    'server',
    'image',
    'network',
    'subnet',
    'port',
    'keypair',
    'flavor',
    'user',
    'project',
    'domain',
    'role',
  ] as const),
  ...(['serverPort', 'alphaProject', 'alphaUser', 'action'] as const),
])

/** Open to everybody by OpenStack's own policy: they show nothing of whom they name. */
const OPEN: ReadonlySet<string> = new Set(['GET /compute/v2.1/os-quota-sets/:quota_project_id/defaults'])

test("another tenant's things are not there, whatever is asked of them", async (t) => {
  const peer = await openContractPeer(t)
  const verdicts = new Verdicts()
  const isPrivate = (parameter: Parameter) => PRIVATE.has(parameter.kind)
  const targets = withParameters(peer).filter(
    (target) => parametersOf(target).some(isPrivate) && !OPEN.has(plainName(target)),
  )
  for (const target of targets) {
    const good = await goodRequest(peer, target)
    const url = fillPath(target, ({ kind, word }) =>
      kind === 'adminProject' ? peer.ids.betaProject : kind ? peer.ids[kind] : word,
    )
    await look(peer, verdicts, {
      target,
      sent: { ...good, url, token: peer.tokens.beta },
      what: "another tenant's ids",
      check: ({ status, text }, seen) => {
        assert.ok(status === 404 || status === 403, seen)
        const rest = text.replaceAll(peer.ids.keypair, '')
        assert.ok(!rest.includes(SECRET) || url.includes(SECRET), `${seen}: this is alpha's`)
      },
    })
  }
  verdicts.conclude(100)
})

test("no list shows anything of another tenant's", async (t) => {
  const peer = await openContractPeer(t)
  const verdicts = new Verdicts()
  const lists = peer.targets.filter(({ endpoint }) => endpoint.method === 'GET' && endpoint.rule !== null)
  for (const target of lists.filter((each) =>
    parametersOf(each).every(({ kind }) => kind === 'adminProject'),
  ))
    for (const query of [
      '',
      '?all_tenants=1',
      '?project_id=alpha',
      `?project_id=${peer.ids.alphaProject}`,
      '?visibility=all',
      '?is_public=none',
    ]) {
      const url = fillPath(target, () => peer.ids.betaProject)
      const good = await goodRequest(peer, target)
      await look(peer, verdicts, {
        target,
        sent: { ...good, url: url + query, token: peer.tokens.beta },
        what: `query ${query}`,
        check: ({ text }, seen) => assert.ok(!text.includes(SECRET), `${seen}: this is alpha's`),
      })
    }
  verdicts.conclude(100)
})

test("a project of another in compute's paths is refused", async (t) => {
  const peer = await openContractPeer(t)
  const verdicts = new Verdicts()
  const targets = peer.targets.filter((target) =>
    parametersOf(target).some(({ kind }) => kind === 'adminProject'),
  )
  for (const target of targets) {
    const good = await goodRequest(peer, target)
    const url = fillPath(target, ({ kind, word }) =>
      kind === 'adminProject' ? peer.ids.betaProject : kind ? peer.ids[kind] : word,
    )
    await look(peer, verdicts, {
      target,
      sent: { ...good, url },
      what: 'the project of another',
      check: ({ status }, seen) => assert.equal(status, 400, seen),
    })
  }
  verdicts.conclude(50)
})

/** In the order in which they let go of each other. */
const REMOVALS: readonly (readonly [kind: Thing, path: string])[] = [
  ['server', '/compute/v2.1/servers'],
  ['port', '/network/v2.0/ports'],
  ['subnet', '/network/v2.0/subnets'],
  ['network', '/network/v2.0/networks'],
  ['image', '/image/v2/images'],
  ['flavor', '/compute/v2.1/flavors'],
  ['role', '/identity/v3/roles'],
  ['user', '/identity/v3/users'],
  ['project', '/identity/v3/projects'],
  ['domain', '/identity/v3/domains'],
]

test('what was deleted is not there any more, for the administrator either', async (t) => {
  const ids: Partial<Record<Thing, string>> = {}
  const peer = await openContractPeer(t, async ({ makeThings, make, send, tokens: { admin: token } }) => {
    Object.assign(ids, await makeThings('short-lived'))
    for (const [kind, path] of REMOVALS) {
      const url = `${path}/${ids[kind]}`
      await make({ method: 'DELETE', url, token })
      await until(async () => (await send({ method: 'GET', url, token })).status === 404)
    }
  })
  const isGone = ({ kind }: Parameter) => REMOVALS.some(([removed]) => removed === kind)
  const verdicts = new Verdicts()
  for (const target of withParameters(peer).filter((each) => parametersOf(each).some(isGone))) {
    const good = await goodRequest(peer, target)
    const url = fillPath(target, ({ kind, word }) => {
      if (kind === undefined) return word
      return ids[kind as Thing] ?? peer.ids[kind]
    })
    // Nova shows the history of servers that are gone.
    const isHistory = url.includes('os-instance-actions')
    await look(peer, verdicts, {
      target,
      sent: { ...good, url },
      what: 'a deleted id',
      check: ({ status }, seen) => {
        assert.ok(status === 404 || isHistory || (status === 403 && target.name.endsWith('/password')), seen)
      },
    })
  }
  verdicts.conclude(100)
})

/** As they go over the wire: `inject` would tidy them up before the server sees them. */
const RAW_PATHS: readonly (readonly [path: string, statuses: readonly number[]])[] = [
  ['/identity/v3/../../etc/passwd', [404]],
  ['/identity/v3/users/../../v3/users', [404]],
  ['/image/v2/images/%', [400]],
  ['/image/v2/images/%zz', [400]],
  ['/image/v2/images/%c3%28', [400]],
  ['/compute/v2.1/servers/%80', [400]],
  ['/network//v2.0/networks', [404]],
  ['//network/v2.0/networks', [404]],
  ['/network/v2.0/networks;x=y', [404]],
  ['/identity/v3/users/a#b', [404]],
  ['/unheard/of', [404]],
  ['/', [200, 300, 404]],
  ['*', [404, 400]],
  [`/identity/${'x'.repeat(12_000)}`, [404]],
]

test('a path that no client library would send is refused in JSON, with a request id', async (t) => {
  const peer = await openContractPeer(t)
  await peer.server.listen({ host: '127.0.0.1', port: 0 })
  const { port } = peer.server.server.address() as AddressInfo
  const verdicts = new Verdicts()
  for (const [path, statuses] of RAW_PATHS) {
    const reply = await get(port, path, peer.tokens.admin)
    verdicts.check(() => {
      const seen = `${path.slice(0, 60)} → ${reply.status} ${reply.text.slice(0, 200)}`
      assert.ok(statuses.includes(reply.status), seen)
      const api = peer.peer.apis.find(({ prefix }) => path.startsWith(`${prefix}/`))
      if (api) assertWellFormed(api, reply, seen)
      else assert.doesNotThrow(() => JSON.parse(reply.text), seen)
    })
  }
  verdicts.conclude(RAW_PATHS.length)
})

function get(port: number, path: string, token: string): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const headers = { 'x-auth-token': token, connection: 'close' }
    const sent = request({ host: '127.0.0.1', port, path, headers }, (message) => {
      const chunks: Buffer[] = []
      message.on('data', (chunk: Buffer) => chunks.push(chunk))
      message.once('end', () =>
        resolve({
          status: message.statusCode ?? 0,
          headers: message.headers as Reply['headers'],
          text: Buffer.concat(chunks).toString(),
        }),
      )
    })
    sent.once('error', reject)
    sent.end()
  })
}
