import assert from 'node:assert/strict'
import test from 'node:test'
import { BODY_LIMIT_BYTES, validateBody } from '@atoll/http'
import { type ContractPeer, openContractPeer, type Target } from './peer/contract-peer.ts'
import { assertWellFormed, type Reply } from './peer/reply.ts'
import { goodRequest } from './requests/good-request.ts'
import { type Mutation, malformed, mutationsOf, twisted } from './requests/mutations.ts'
import { isWithProject, plainName, sampled, sampleOf } from './requests/samples.ts'
import { Verdicts } from './verdicts.ts'

const takesBody = ({ endpoint }: Target) => endpoint.body !== undefined && endpoint.body !== 'stream'

/** Sends the body in place of a good one, and holds the reply against what is known of the body. */
async function tryBody(
  peer: ContractPeer,
  verdicts: Verdicts,
  { target, mutation, mustFail }: { target: Target; mutation: Mutation; mustFail: boolean },
): Promise<Reply> {
  const good = await goodRequest(peer, target)
  const before = await peer.head()
  const bugsBefore = peer.bugs.length
  const reply = await peer.send({ ...good, body: mutation.text })
  const after = await peer.head()
  const what = `${target.name} (${target.endpoint.until ?? 'latest'}) with ${mutation.what}`
  const seen = `${what} → ${reply.status} ${reply.text.slice(0, 300)}`
  verdicts.check(() => {
    assert.equal(
      peer.bugs.length,
      bugsBefore,
      `${what}: ${String((peer.bugs.at(-1) as Error)?.stack ?? peer.bugs.at(-1))}`,
    )
    assertWellFormed(target.api, reply, what)
    if (mustFail) assert.ok(reply.status >= 400, seen)
    if (reply.status >= 400) assert.equal(after, before, `${seen}: something was written`)
  })
  return reply
}

test('every endpoint that takes a body has a sample that its own schema accepts, and takes it', async (t) => {
  const peer = await openContractPeer(t)
  const verdicts = new Verdicts()
  for (const target of peer.targets.filter(takesBody)) {
    const { body } = target.endpoint
    if (body && body !== 'stream')
      verdicts.check(() => void validateBody(body, structuredClone(sampleOf(target, peer.ids))))
    const reply = await peer.send(await goodRequest(peer, target))
    // What was granted at the first path of compute is there at the second.
    const isTaken =
      reply.status < 400 || reply.status === 501 || (reply.status === 409 && isWithProject(target))
    verdicts.check(() => assert.ok(isTaken, `${target.name} → ${reply.status} ${reply.text}`))
  }
  verdicts.conclude(100)
})

test('every sample belongs to an endpoint', async (t) => {
  const { targets } = await openContractPeer(t)
  const names = new Set(targets.filter(takesBody).map(plainName))
  assert.deepEqual(
    sampled.filter((name) => !names.has(name)),
    [],
  )
})

test('a body that is no JSON, or JSON of another kind, is refused by every endpoint, and nothing is written', async (t) => {
  const peer = await openContractPeer(t)
  const verdicts = new Verdicts()
  for (const target of peer.targets.filter(takesBody))
    for (const mutation of malformed) {
      const isEmptyPatch = target.name.startsWith('PATCH /image') && mutation.what === 'an array'
      await tryBody(peer, verdicts, { target, mutation, mustFail: !isEmptyPatch })
    }
  verdicts.conclude(1000)
})

test('an endpoint answers 4xx to a body with one thing wrong, and never fails', async (t) => {
  const peer = await openContractPeer(t)
  const verdicts = new Verdicts()
  for (const target of peer.targets.filter((each) => takesBody(each) && !isWithProject(each))) {
    const { sample } = await goodRequest(peer, target)
    for (const mutation of [...mutationsOf(sample), ...twisted(sample)])
      await tryBody(peer, verdicts, { target, mutation, mustFail: isRefusedBySchema(target, mutation) })
  }
  t.diagnostic(`${peer.sent()} requests`)
  verdicts.conclude(5000)
})

function isRefusedBySchema({ endpoint: { body } }: Target, { text }: Mutation): boolean {
  if (!body || body === 'stream') return false
  try {
    validateBody(body, JSON.parse(text.toString()))
    return false
  } catch {
    return true
  }
}

test('a body beyond its limit is 413, and one that is not JSON by its type 415', async (t) => {
  const peer = await openContractPeer(t)
  const verdicts = new Verdicts()
  for (const target of peer.targets.filter(takesBody)) {
    const good = await goodRequest(peer, target)
    const before = await peer.head()
    const limit = target.endpoint.bodyLimitBytes ?? BODY_LIMIT_BYTES
    const expect = async (status: number, change: Partial<typeof good>, what: string) => {
      const reply = await peer.send({ ...good, ...change })
      verdicts.check(() => {
        assertWellFormed(target.api, reply, `${target.name} ${what}`)
        assert.equal(reply.status, status, `${target.name} ${what} → ${reply.status} ${reply.text}`)
      })
    }
    await expect(413, { body: `"${'x'.repeat(limit)}"` }, 'too large')
    await expect(413, { body: `[${' '.repeat(limit)}]` }, 'too large with spaces')
    for (const type of [
      'text/plain',
      'application/xml',
      'multipart/form-data; boundary=x',
      'nonsense',
      'application/jsonx',
      'application/x-www-form-urlencoded',
    ])
      await expect(415, { headers: { ...good.headers, 'content-type': type } }, type)
    const after = await peer.head()
    verdicts.check(() => assert.equal(after, before, `${target.name} wrote something`))
  }
  verdicts.conclude(500)
})

test('JSON in another charset than UTF-8 is refused', async (t) => {
  const peer = await openContractPeer(t)
  const verdicts = new Verdicts()
  for (const target of peer.targets.filter((each) => takesBody(each))) {
    const good = await goodRequest(peer, target)
    const body = Buffer.from(String(good.body), 'utf16le')
    const type = `${good.headers['content-type']}; charset=utf-16`
    const before = await peer.head()
    const reply = await peer.send({ ...good, body, headers: { ...good.headers, 'content-type': type } })
    const after = await peer.head()
    verdicts.check(() => {
      assertWellFormed(target.api, reply, target.name)
      assert.ok(reply.status >= 400 && after === before, `${target.name} → ${reply.status} ${reply.text}`)
    })
  }
  verdicts.conclude(50)
})

const patches: readonly (readonly [what: string, operations: unknown])[] = [
  ['an unknown operation', [{ op: 'increase', path: '/min_ram', value: 1 }]],
  ['a move', [{ op: 'move', from: '/name', path: '/other' }]],
  ['no path', [{ op: 'replace', value: 1 }]],
  ['a path into the depth', [{ op: 'add', path: '/tags/0', value: 'x' }]],
  ['an empty path', [{ op: 'replace', path: '', value: {} }]],
  ['the root', [{ op: 'remove', path: '/' }]],
  ['a path that is no text', [{ op: 'replace', path: ['name'], value: 'x' }]],
  ['an escape that is none', [{ op: 'add', path: '/a~2', value: 'x' }]],
  ['a prototype', [{ op: 'add', path: '/__proto__', value: { polluted: true } }]],
  ['what is not there', [{ op: 'remove', path: '/nowhere' }]],
  ['what the service keeps', [{ op: 'replace', path: '/checksum', value: 'x' }]],
  ['the id', [{ op: 'replace', path: '/id', value: '00000000-0000-4000-8000-000000000000' }]],
  [
    'a good one before a bad one',
    [
      { op: 'replace', path: '/name', value: 'changed' },
      { op: 'remove', path: '/nowhere' },
    ],
  ],
  ['operations that are no objects', [null, 1, 'x', []]],
  ['too many', Array.from({ length: 5000 }, () => ({ op: 'replace', path: '/name', value: 'x' }))],
  ['a tag that is an object', [{ op: 'replace', path: '/tags', value: [{}] }]],
  ['a very long name', [{ op: 'add', path: `/${'x'.repeat(300)}`, value: 'x' }]],
  ['a name of one NUL', [{ op: 'add', path: '/\u0000', value: 'x' }]],
  ['a size beyond all', [{ op: 'replace', path: '/min_disk', value: 2 ** 53 }]],
]

test('a JSON patch that makes no sense is refused as a whole', async (t) => {
  const peer = await openContractPeer(t)
  const target = peer.targets.find(({ name }) => name === 'PATCH /image/v2/images/:image_id')
  assert.ok(target)
  const verdicts = new Verdicts()
  for (const [what, operations] of patches) {
    const mutation = { what, text: JSON.stringify(operations) }
    await tryBody(peer, verdicts, { target, mutation, mustFail: true })
  }
  verdicts.conclude(patches.length)
})
