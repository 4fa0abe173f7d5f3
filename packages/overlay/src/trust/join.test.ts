import assert from 'node:assert/strict'
import test from 'node:test'
import { systemClock, systemRandom } from '@atoll/kit'
import { clockAt, cloud, keyPair, MemoryTokenStore, parsed, testCloud, testSite } from '../testing.ts'
import {
  JoinAnswerInvalid,
  JoinRequestMalformed,
  JoinSiteMismatch,
  JoinSiteTaken,
  JoinTokenExpired,
  JoinTokenMalformed,
  JoinTokenUnknown,
  JoinTokenUsed,
  NameInvalid,
} from './errors.ts'
import { acceptJoin, completeJoin, createJoinRequest, type JoinAnswer, type PendingJoin } from './join.ts'
import { issueJoinToken } from './join-token.ts'
import { chainOfKeys, peerIdentityOf } from './peer-identity.ts'

const issue = { clock: systemClock, random: systemRandom }
const { cloudAuthority } = await testCloud()

async function invitation(
  options: { siteName?: string; expiresAtMs?: number; sites?: readonly string[] } = {},
) {
  const store = new MemoryTokenStore(options.sites ?? ['a'])
  const expiresAtMs = options.expiresAtMs ?? Date.now() + 60_000
  const { siteName } = options
  const token = await issueJoinToken({
    cloudAuthority,
    issuerCode: 1,
    store,
    random: systemRandom,
    siteName,
    expiresAtMs,
  })
  const accept = (request: unknown) => acceptJoin({ ...issue, admitter: { cloudAuthority }, store, request })
  return { store, token, accept }
}

function complete(pending: PendingJoin, answer: unknown) {
  return completeJoin({ ...issue, pending, answer, peerName: 'peer-1' })
}

test('a site joins with a token and gets an identity that the cloud verifies', async () => {
  const { token, accept } = await invitation()
  const pending = await createJoinRequest({ token, siteName: 'b' })
  const keys = await complete(pending, JSON.parse(JSON.stringify(await accept(pending.request))))
  const trust = { cloudAuthority: parsed(cloudAuthority), nowMs: Date.now() }
  assert.deepEqual(peerIdentityOf(chainOfKeys(keys), trust), { cloud, site: 'b', peer: 'peer-1' })
  assert.equal(keys.cloudAuthority.privateKey, undefined)
})

test('a token is short enough to paste, and its secret is not stored', async () => {
  const { token, store } = await invitation()
  assert.match(token, /^atoll1\.[\w-]{11}\.[\w-]{22}\.[\w-]{43}$/)
  const [, , secret = ''] = token.split('.')
  assert.equal(JSON.stringify([...store.records.values()]).includes(secret), false)
})

test('private keys do not travel', async () => {
  const { token } = await invitation()
  const { request } = await createJoinRequest({ token, siteName: 'b' })
  assert.deepEqual(Object.keys(request).sort(), ['secret', 'signingRequest', 'siteName', 'tokenId'])
  assert.equal(request.signingRequest.includes('PRIVATE'), false)
})

test('a token admits one site; the same site may ask again when its answer was lost', async () => {
  const { token, accept } = await invitation()
  const first = await createJoinRequest({ token, siteName: 'b' })
  await accept(first.request)
  await complete(first, await accept(first.request))
  const second = await createJoinRequest({ token, siteName: 'c' })
  await assert.rejects(accept(second.request), JoinTokenUsed.is)
  const impostor = await createJoinRequest({ token, siteName: 'b' })
  await assert.rejects(accept(impostor.request), JoinTokenUsed.is)
})

test('of two sites that use one token at the same time, one joins', async () => {
  const { token, accept } = await invitation()
  const pending = await Promise.all(['b', 'c'].map((siteName) => createJoinRequest({ token, siteName })))
  const outcomes = await Promise.allSettled(pending.map(({ request }) => accept(request)))
  assert.deepEqual(outcomes.map(({ status }) => status).sort(), ['fulfilled', 'rejected'])
})

test('a refused join spends nothing', async (t) => {
  const cases: [string, Parameters<typeof invitation>[0], string, (error: unknown) => boolean][] = [
    ['expired', { expiresAtMs: Date.now() }, 'b', JoinTokenExpired.is],
    ['name of the token', { siteName: 'c' }, 'b', JoinSiteMismatch.is],
    ['name of another site', { sites: ['a', 'b'] }, 'b', JoinSiteTaken.is],
  ]
  for (const [name, options, siteName, isExpected] of cases) {
    await t.test(name, async () => {
      const { token, accept, store } = await invitation(options)
      const { request } = await createJoinRequest({ token, siteName })
      await assert.rejects(accept(request), isExpected)
      assert.equal(store.claims.size, 0)
    })
  }
})

test('a wrong secret and an unknown id are one error', async () => {
  const { token, accept, store } = await invitation()
  const { request } = await createJoinRequest({ token, siteName: 'b' })
  await assert.rejects(accept({ ...request, secret: 'A'.repeat(22) }), JoinTokenUnknown.is)
  await assert.rejects(accept({ ...request, tokenId: 'A'.repeat(11) }), JoinTokenUnknown.is)
  assert.equal(store.claims.size, 0)
})

test('a malformed request is refused', async () => {
  const { token, accept, store } = await invitation()
  const { request } = await createJoinRequest({ token, siteName: 'b' })
  for (const bad of [undefined, null, 7, 'x', [], {}, { ...request, secret: 1 }]) {
    await assert.rejects(accept(bad), JoinRequestMalformed.is)
  }
  for (const signingRequest of ['', 'x', request.signingRequest.slice(0, 200), 'A'.repeat(5000)]) {
    await assert.rejects(accept({ ...request, signingRequest }), JoinRequestMalformed.is)
  }
  await assert.rejects(accept({ ...request, siteName: 'a/peer/x' }), NameInvalid.is)
  assert.equal(store.claims.size, 0)
})

test('a signing request that was tampered with is refused', async () => {
  const { token, accept } = await invitation()
  const { request } = await createJoinRequest({ token, siteName: 'b' })
  const der = Buffer.from(request.signingRequest.replaceAll(/-----.*-----|\s/g, ''), 'base64')
  // The last byte belongs to the signature.
  der.writeUInt8(der.readUInt8(der.length - 1) ^ 1, der.length - 1)
  const signingRequest = `-----BEGIN CERTIFICATE REQUEST-----\n${der.toString('base64')}\n-----END CERTIFICATE REQUEST-----`
  await assert.rejects(accept({ ...request, signingRequest }), JoinRequestMalformed.is)
})

test('a text that is no token is refused before anything is sent', async () => {
  const { token } = await invitation()
  for (const bad of [
    '',
    'atoll1',
    token.slice(1),
    token.slice(0, -1),
    `${token}.x`,
    token.replace('atoll1', 'atoll2'),
  ]) {
    await assert.rejects(createJoinRequest({ token: bad, siteName: 'b' }), JoinTokenMalformed.is)
  }
  await assert.rejects(createJoinRequest({ token, siteName: 'B' }), NameInvalid.is)
})

test('an answer from another cloud, for another site or for another key is refused', async () => {
  const { token, accept, store } = await invitation()
  const pending = await createJoinRequest({ token, siteName: 'b' })
  const stolen = new MemoryTokenStore()
  for (const record of store.records.values()) await stolen.add(record)
  const answer = await accept(pending.request)
  const impostor = await testCloud()
  const other = await testSite({ cloudAuthority, site: 'c' })
  const sameName = await testSite({ cloudAuthority, site: 'b' })
  const foreign = await testSite({ cloudAuthority: keyPair(impostor.cloudAuthority), site: 'b' })
  // It has stolen the record of the token, and so answers with a genuine certificate of its own.
  const genuine = await acceptJoin({
    ...issue,
    admitter: { cloudAuthority: keyPair(impostor.cloudAuthority) },
    store: stolen,
    request: pending.request,
  })
  const bad: unknown[] = [
    genuine,
    undefined,
    {},
    { ...answer, cloudCertificate: 'x' },
    { ...answer, cloudCertificate: impostor.cloudAuthority.certificate },
    { cloudCertificate: impostor.cloudAuthority.certificate, siteCertificate: foreign.site.certificate },
    { ...answer, siteCertificate: foreign.site.certificate },
    { ...answer, siteCertificate: other.site.certificate },
    { ...answer, siteCertificate: sameName.site.certificate },
    { ...answer, siteCertificate: answer.cloudCertificate },
  ] satisfies (Partial<JoinAnswer> | undefined)[]
  for (const each of bad) await assert.rejects(complete(pending, each), JoinAnswerInvalid.is)
  const late = clockAt(Date.now() + 1e12)
  const completion = completeJoin({ ...issue, clock: late, pending, answer, peerName: 'peer-1' })
  await assert.rejects(completion, JoinAnswerInvalid.is)
})
