/** How those who have no valid certificate get one, over real connections, and what the rest of a peer keeps from them. */

import assert from 'node:assert/strict'
import { buffer, json } from 'node:stream/consumers'
import test from 'node:test'
import { systemClock, systemRandom } from '@atoll/kit'
import { clockAt, keyPair, MemoryTokenStore, testCloud, testSite } from '../testing.ts'
import { renewPeer } from '../trust/authority.ts'
import { CertificateAnswerInvalid, JoinAnswerInvalid, JoinRefused } from '../trust/errors.ts'
import { createJoinRequest } from '../trust/join.ts'
import { issueJoinToken } from '../trust/join-token.ts'
import type { KeyRing } from '../trust/key-ring.ts'
import {
  completeSiteRenewal,
  createCertificateRequest,
  proveSite,
  renewSite,
  type SiteCertificateAnswer,
} from '../trust/renewal.ts'
import { defaultValidity } from '../trust/validity.ts'
import { Http2Transport } from './http2-transport.ts'
import { CERTIFICATES_PATH } from './peer-gate.ts'
import { createPeerListener } from './peer-listener.ts'
import { requestJoin } from './request-join.ts'

const issue = { clock: systemClock, random: systemRandom }
const founder = await testCloud()
const cloudAuthority = keyPair(founder.cloudAuthority)

function tokenOf(issuerCode: number): Promise<string> {
  const store = new MemoryTokenStore()
  const expiresAtMs = Date.now() + 60_000
  return issueJoinToken({ issuerCode, cloudAuthority, store, random: systemRandom, expiresAtMs })
}

test('a joiner asks any peer where its token is from, and tells its secret only there', async (t) => {
  const seen: string[] = []
  const listen = async (keys: KeyRing, answer: () => object) => {
    const listener = createPeerListener({
      credentials: { keys },
      clock: systemClock,
      onRequest: async (_identity, request, response) => {
        const body = await buffer(request)
        seen.push(`${request.method} ${request.url} ${body.includes('secret') ? 'with' : 'without'} secret`)
        response.end(JSON.stringify(answer()))
      },
    })
    t.after(() => listener.close())
    return listener.listen({ host: '127.0.0.1', port: 0 })
  }
  const [b, c] = [
    await testSite({ cloudAuthority, site: 'b', code: 7 }),
    await testSite({ cloudAuthority, site: 'c', code: 8 }),
  ]
  const atB = await listen(b, () => ({ welcome: true }))
  const atC = await listen(c, () => ({ addresses: [{ host: '127.0.0.1', port: 1 }, atB] }))
  const token = await tokenOf(7)
  const pending = await createJoinRequest({ token, siteName: 'd' })
  assert.deepEqual(await requestJoin({ address: atC, pending, clock: systemClock }), { welcome: true })
  assert.deepEqual(seen.splice(0), [
    'GET /peer/v1/join?issuer=7 without secret',
    'POST /peer/v1/join with secret',
  ])

  // Whoever sends it round in circles, or to one that has not issued it, learns nothing.
  const liar = await listen(c, () => ({ addresses: [atC, { host: 7 }, 'x'] }))
  await assert.rejects(requestJoin({ address: liar, pending, clock: systemClock }), JoinRefused.is)
  assert.ok(
    seen.every((line) => line.endsWith('without secret')),
    seen.join(),
  )
  const nowhere = await listen(c, () => ({}))
  await assert.rejects(requestJoin({ address: nowhere, pending, clock: systemClock }), JoinAnswerInvalid.is)
})

test('a site whose certificate has expired is heard where certificates are renewed, and nowhere else', async (t) => {
  const longAgo = clockAt(Date.now() - defaultValidity.siteLifeMs - 86_400_000)
  const old = await testCloud(longAgo)
  const holder = await testSite({ cloudAuthority: old.cloudAuthority, site: 'a', code: 1 })
  const expired = await testSite({ cloudAuthority: old.cloudAuthority, site: 'b', clock: longAgo })
  const listener = createPeerListener({
    credentials: { keys: holder },
    clock: systemClock,
    onRequest: async (identity, request, response) => {
      if (identity) return void response.end(JSON.stringify(identity))
      const proven = await proveSite({
        request: JSON.parse((await buffer(request)).toString()),
        cloudAuthority: old.cloudAuthority,
        nowMs: Date.now(),
        graceMs: 2 * 86_400_000,
      })
      response.end(JSON.stringify(await renewSite({ ...issue, proven, by: old })))
    },
  })
  t.after(() => listener.close())
  const address = await listener.listen({ host: '127.0.0.1', port: 0 })
  const ask = async (keys: KeyRing, request: { method: string; path: string; body?: Buffer }) => {
    const transport = new Http2Transport({ ...issue, credentials: { keys }, resolve: () => [address] })
    t.after(() => transport.close())
    const { status, body } = await transport.request({ site: 'a', ...request })
    return { status, answer: await json(body) }
  }
  const feed = { method: 'GET', path: '/peer/v1/feed' }
  assert.equal((await ask(expired, feed)).status, 401)
  assert.equal((await ask(expired, { ...feed, path: `${CERTIFICATES_PATH}x` })).status, 401)
  const body = Buffer.from(JSON.stringify(await createCertificateRequest(expired)))
  const { status, answer } = await ask(expired, { method: 'POST', path: `${CERTIFICATES_PATH}/site`, body })
  assert.equal(status, 200)
  const renewal = answer as SiteCertificateAnswer
  completeSiteRenewal({ keys: expired, answer: renewal, nowMs: Date.now() })
  const site = { ...expired.site, certificate: renewal.siteCertificate }
  const back = { ...expired, site }
  const peer = { ...back.peer, certificate: await renewPeer({ ...issue, keys: back }) }
  assert.deepEqual((await ask({ ...back, peer }, feed)).answer, { cloud: 'reef', site: 'b', peer: 'peer-1' })
})

test('what comes back instead of a renewed certificate is not taken', async () => {
  const [b, c] = [
    await testSite({ cloudAuthority, site: 'b' }),
    await testSite({ cloudAuthority, site: 'c' }),
  ]
  const renewedAt = async (keys: KeyRing, clock = systemClock) => {
    const request = await createCertificateRequest(keys)
    const proven = await proveSite({ request, cloudAuthority, nowMs: Date.now(), graceMs: 0 })
    return renewSite({ ...issue, clock, proven, by: { cloudAuthority } })
  }
  const good = await renewedAt(b, clockAt(Date.now() + 86_400_000))
  completeSiteRenewal({ keys: b, answer: good, nowMs: Date.now() + 86_400_000 })
  const bad: SiteCertificateAnswer[] = [
    await renewedAt(c),
    await renewedAt(b, clockAt(Date.now() - 86_400_000)),
    { siteCertificate: 'x' },
    { siteCertificate: b.peer.certificate },
    { ...good, admitterCertificate: c.site.certificate },
    { siteCertificate: (await testSite({ cloudAuthority, site: 'b', code: 99 })).site.certificate },
  ]
  for (const answer of bad)
    assert.throws(
      () => completeSiteRenewal({ keys: b, answer, nowMs: Date.now() }),
      CertificateAnswerInvalid.is,
    )
})
