import assert from 'node:assert/strict'
import test from 'node:test'
import { systemClock, systemRandom } from '@atoll/kit'
import { clockAt, cloud, forgedPeer, forgedSite, parsed, testCloud, testSite } from '../testing.ts'
import { foundCloud, issueSite, renewPeer } from './authority.ts'
import { NameInvalid, PeerIdentityInvalid } from './errors.ts'
import { parsePeerUri, parseSiteUri } from './identity.ts'
import type { KeyRing } from './key-ring.ts'
import { chainOfKeys, peerIdentityOf, type TrustOptions } from './peer-identity.ts'
import { defaultValidity, isRenewalDue, validityFrom, validityOf } from './validity.ts'

const founder = await testCloud()
const { cloudAuthority } = founder
const trust: TrustOptions = { cloudAuthority: parsed(cloudAuthority), nowMs: Date.now() }

function refusal(keys: KeyRing, options: Partial<TrustOptions> = {}): string {
  try {
    peerIdentityOf(chainOfKeys(keys), { ...trust, ...options })
  } catch (error) {
    assert(PeerIdentityInvalid.is(error))
    return error.message
  }
  return 'accepted'
}

test('a peer of the founding site and a peer of another site are who their certificates say', async () => {
  assert.deepEqual(peerIdentityOf(chainOfKeys(founder), trust), { cloud, site: 'a', peer: 'peer-1' })
  const other = await testSite({ cloudAuthority, site: 'b' })
  assert.deepEqual(peerIdentityOf(chainOfKeys(other), trust), { cloud, site: 'b', peer: 'peer-1' })
})

test('a socket without a certificate has no identity', () => {
  const socket = { getPeerX509Certificate: () => undefined }
  assert.throws(() => peerIdentityOf(socket, trust), PeerIdentityInvalid.is)
})

test('a site cannot certify a peer of another site', async () => {
  assert.match(refusal(await testSite({ cloudAuthority, site: 'b', peerSite: 'a' })), /not its own/)
})

test('a site cannot certify another site', async () => {
  const forged = await forgedSite({ cloudAuthority, forger: 'c', site: 'b' })
  assert.match(refusal(forged), /not issued by this cloud/)
})

test('a certificate of another cloud of the same name is refused', async () => {
  assert.match(refusal(await testCloud()), /not issued by this cloud/)
})

test('a chain whose links do not sign one another is refused, although their names and key identifiers match', async () => {
  assert.match(refusal(await forgedPeer(founder)), /not issued by the site beside it/)
  const { peer } = await testCloud()
  assert.match(refusal({ ...founder, peer }), /not issued by the site beside it/)
})

test('a peer cannot stand in for a site, nor a site for a peer', () => {
  assert.match(refusal({ ...founder, site: founder.peer }), /refused/)
  assert.match(refusal({ ...founder, peer: founder.site }), /refused/)
  assert.match(refusal({ ...founder, site: cloudAuthority, peer: founder.site }), /refused/)
})

test('a certificate with the name of a peer is no site', async () => {
  const other = await testSite({ cloudAuthority, site: 'b' })
  const publicKey = parsed(other.site).publicKey
  const identity = { cloud, site: 'b/peer/x' }
  const certificate = await issueSite({
    clock: systemClock,
    random: systemRandom,
    issuer: cloudAuthority,
    identity,
    code: 2,
    publicKey,
  })
  assert.match(refusal({ ...other, site: { ...other.site, certificate } }), /refused/)
})

test('a chain is refused before and after its term, and accepted at its ends', () => {
  const { notBeforeMs, notAfterMs } = validityOf(parsed(founder.peer))
  assert.match(refusal(founder, { nowMs: notBeforeMs - 1 }), /not valid yet/)
  assert.equal(refusal(founder, { nowMs: notBeforeMs }), 'accepted')
  assert.equal(refusal(founder, { nowMs: notAfterMs }), 'accepted')
  assert.match(refusal(founder, { nowMs: notAfterMs + 1 }), /has expired/)
})

test('a machine whose clock is ten minutes behind accepts a new certificate', () => {
  assert.equal(refusal(founder, { nowMs: Date.now() - defaultValidity.clockSkewMsMax + 5000 }), 'accepted')
})

test('a certificate never outlives its issuer', () => {
  const issuer = { notBeforeMs: 0, notAfterMs: 5000 }
  const validity = validityFrom({ nowMs: 2500, lifeMs: 1e9, clockSkewMsMax: 1000, issuer })
  assert.deepEqual(validity, { notBeforeMs: 1000, notAfterMs: 5000 })
})

test('a renewal is due from two thirds of the life on', () => {
  const validity = { notBeforeMs: 1000, notAfterMs: 4000 }
  assert.equal(isRenewalDue(validity, 2999), false)
  assert.equal(isRenewalDue(validity, 3000), true)
})

test('a site renews its expired peer alone, for the same key', async () => {
  const longAgo = clockAt(Date.now() - 2 * defaultValidity.peerLifeMs)
  const keys = await testCloud(longAgo)
  const ours: TrustOptions = { cloudAuthority: parsed(keys.cloudAuthority), nowMs: Date.now() }
  assert.match(refusal(keys, ours), /has expired/)
  const certificate = await renewPeer({ keys, clock: systemClock, random: systemRandom })
  const renewed = { ...keys, peer: { ...keys.peer, certificate } }
  assert.equal(refusal(renewed, ours), 'accepted')
  assert.ok(parsed(renewed.peer).publicKey.equals(parsed(keys.peer).publicKey))
})

test('names that are no lower-case DNS labels found no cloud', async () => {
  for (const siteName of ['', 'A', 'a b', 'a/b', '-a', 'a-', 'a.b', 'é', 'a\n', 'x'.repeat(64)]) {
    const founding = foundCloud({
      cloudName: cloud,
      siteName,
      siteCode: 1,
      peerName: 'p',
      clock: systemClock,
      random: systemRandom,
    })
    await assert.rejects(founding, NameInvalid.is)
  }
})

test('a name in a certificate is read strictly', () => {
  assert.deepEqual(parsePeerUri('spiffe://reef/site/a/peer/p'), { cloud: 'reef', site: 'a', peer: 'p' })
  for (const uri of [
    'spiffe://reef/site/a',
    'spiffe://reef/site/a/peer/',
    'spiffe://reef/site/a/peer/p/',
    'spiffe://reef/site/a/peer/p?x=1',
    'spiffe://reef/site/a/peer/p, URI:spiffe://reef/site/b/peer/p',
    'SPIFFE://reef/site/a/peer/p',
    'spiffe://reef/site/../peer/p',
    'spiffe://user@reef/site/a/peer/p',
  ]) {
    assert.equal(parsePeerUri(uri), undefined, uri)
  }
  assert.equal(parseSiteUri('spiffe://reef/site/a/peer/p'), undefined)
})
