import assert from 'node:assert/strict'
import { generateKeyPairSync, sign } from 'node:crypto'
import test from 'node:test'
import { createJws } from '@atoll/overlay'
import { type ContractPeer, openContractPeer, type Target } from './peer/contract-peer.ts'
import { assertWellFormed } from './peer/reply.ts'
import { PASSWORD } from './peer/tenancy.ts'
import { goodRequest } from './requests/good-request.ts'
import { Verdicts } from './verdicts.ts'

const DAY_MS = 24 * 3_600_000

/** Every endpoint refuses each of the tokens, in its family's form, and writes nothing. */
async function refuses(
  peer: ContractPeer,
  tokens: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  const verdicts = new Verdicts()
  const guarded = peer.targets.filter(({ endpoint }) => endpoint.rule !== null)
  for (const target of guarded) {
    const good = await goodRequest(peer, target)
    const before = await peer.head()
    for (const [why, token] of Object.entries(tokens)) {
      const what = `${target.name} with ${why}`
      const reply = await peer.send({ ...good, token })
      verdicts.check(() => assertRefused(target, reply, what))
    }
    const after = await peer.head()
    verdicts.check(() => assert.equal(after, before, `${target.name} wrote something`))
  }
  verdicts.conclude(guarded.length * (Object.keys(tokens).length + 1))
}

function assertRefused(
  { api, endpoint }: Target,
  reply: Awaited<ReturnType<ContractPeer['send']>>,
  what: string,
) {
  assertWellFormed(api, reply, what)
  assert.equal(reply.status, 401, `${what} → ${reply.status} ${reply.text}`)
  assert.ok(endpoint.method === 'HEAD' || reply.text !== '', `${what} says nothing`)
}

test('no endpoint takes a missing or malformed token', async (t) => {
  const peer = await openContractPeer(t)
  const { admin } = peer.tokens
  const [header = '', payload = '', signature = ''] = admin.split('.')
  await refuses(peer, {
    'no token': undefined,
    'an empty token': '',
    'a space': ' ',
    'a word': 'token',
    'three words': 'a.b.c',
    'a part missing': `${header}.${payload}`,
    'a part more': `${admin}.${signature}`,
    'half a signature': admin.slice(0, -20),
    'a long token': 'a'.repeat(20_000),
    'padded parts': `${header}=.${payload}=.${signature}=`,
    'two tokens': `${admin}, ${admin}`,
    'quotes around it': `"${admin}"`,
  })
})

test('no endpoint takes a token that this cloud did not sign as it is', async (t) => {
  const peer = await openContractPeer(t)
  const [header = '', payload = '', signature = ''] = peer.tokens.alpha.split('.')
  const known = JSON.parse(Buffer.from(header, 'base64url').toString()) as { kid: string; typ: string }
  const claims = Buffer.from(payload, 'base64url')
  const { privateKey } = generateKeyPairSync('ed25519')
  const forged = (kid: string) =>
    createJws({
      payload: claims,
      type: known.typ,
      signer: { keyId: kid, sign: (bytes: Uint8Array) => sign(null, bytes, privateKey) },
    })
  const flipped = Buffer.from(claims)
  const middle = flipped.length >> 1
  flipped[middle] = (flipped[middle] ?? 0) ^ 1
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const [, adminPayload] = peer.tokens.admin.split('.')
  await refuses(peer, {
    'the known name of a key on a signature by another': forged(known.kid),
    'a key that nobody knows': forged('atlantis'),
    'a flipped bit': `${header}.${flipped.toString('base64url')}.${signature}`,
    "the administrator's claims under a member's signature": `${header}.${adminPayload}.${signature}`,
    'no algorithm': `${encode({ ...known, alg: 'none' })}.${payload}.`,
    'no algorithm and a signature': `${encode({ ...known, alg: 'none' })}.${payload}.${signature}`,
    'a keyed hash': `${encode({ ...known, alg: 'HS256' })}.${payload}.${signature}`,
  })
})

test('no endpoint takes the token of one who was revoked, disabled or deleted, or of a disabled project', async (t) => {
  const peer = await openContractPeer(t)
  const { admin } = peer.tokens
  const revoked = await peer.login({ id: peer.ids.alphaUser })
  await peer.make({
    method: 'DELETE',
    url: '/identity/v3/auth/tokens',
    token: admin,
    headers: { 'x-subject-token': revoked },
  })
  const newcomer = async (name: string): Promise<{ url: string; token: string }> => {
    const body = { user: { name, password: PASSWORD } }
    const { user } = await peer.make({ url: '/identity/v3/users', token: admin, body })
    const { id } = user as { id: string }
    const role = peer.ids.role
    const url = `/identity/v3/projects/${peer.ids.project}/users/${id}/roles/${role}`
    await peer.make({ method: 'PUT', url, token: admin })
    return { url: `/identity/v3/users/${id}`, token: await peer.login({ id, project: peer.ids.project }) }
  }
  const [disabled, deleted, without] = [
    await newcomer('off'),
    await newcomer('gone'),
    await newcomer('without'),
  ]
  const off = { method: 'PATCH', token: admin }
  await peer.make({ ...off, url: disabled.url, body: { user: { enabled: false } } })
  await peer.make({ method: 'DELETE', url: deleted.url, token: admin })
  const project = `/identity/v3/projects/${peer.ids.project}`
  await peer.make({ ...off, url: project, body: { project: { enabled: false } } })
  await refuses(peer, {
    'a revoked token': revoked,
    'the token of a disabled user': disabled.token,
    'the token of a deleted user': deleted.token,
    'a token for a disabled project': without.token,
  })
})

test('no endpoint takes a token after its time', async (t) => {
  const peer = await openContractPeer(t)
  const requests = await Promise.all(
    peer.targets
      .filter(({ endpoint }) => endpoint.rule !== null)
      .map(async (target) => ({ target, good: await goodRequest(peer, target) })),
  )
  peer.advance(DAY_MS)
  const before = await peer.head()
  const verdicts = new Verdicts()
  for (const { target, good } of requests) {
    const reply = await peer.send(good)
    verdicts.check(() => assertRefused(target, reply, `${target.name} with an expired token`))
  }
  verdicts.conclude(requests.length)
  assert.equal(await peer.head(), before)
})

test('a user token that is fine makes nobody of the open endpoints ask for it', async (t) => {
  const peer = await openContractPeer(t)
  const open = peer.targets.filter(({ endpoint }) => endpoint.rule === null)
  const verdicts = new Verdicts()
  for (const target of open)
    for (const token of [undefined, '', 'nonsense', peer.tokens.beta]) {
      const reply = await peer.send({ ...(await goodRequest(peer, target)), token })
      verdicts.check(() => {
        assertWellFormed(target.api, reply, target.name)
        assert.ok(reply.status < 400, `${target.name} → ${reply.status} ${reply.text}`)
      })
    }
  verdicts.conclude(open.length * 4)
})
