/** What a site that admits others can do, and above all what it cannot, in the chain that everybody verifies. */

import assert from 'node:assert/strict'
import { createPublicKey } from 'node:crypto'
import test from 'node:test'
import { systemClock, systemRandom } from '@atoll/kit'
import { admitterOfCloud, cloud, keyPair, MemoryTokenStore, parsed, testCloud, testSite } from '../testing.ts'
import { createPeer, issueAdmitter, issueSite } from './authority.ts'
import { generatePrivateKey } from './certificate.ts'
import {
  JoinAnswerInvalid,
  JoinSiteNameReserved,
  JoinTokenUnknown,
  JoinTokenUsed,
  PeerIdentityInvalid,
} from './errors.ts'
import { admitterOf } from './identity.ts'
import { type Admitter, acceptJoin, completeJoin, createJoinRequest } from './join.ts'
import { issueJoinToken } from './join-token.ts'
import type { KeyPair, KeyRing } from './key-ring.ts'
import { chainOfKeys, verifyChain } from './peer-identity.ts'

const issue = { clock: systemClock, random: systemRandom }
const founder = await testCloud()
const { cloudAuthority } = founder
const b = await testSite({ cloudAuthority, site: 'b' })
const codes = { first: 300, last: 309 }
const admits = await admitterOfCloud({ cloudAuthority, site: 'b', codes, keys: b })

const trust = { cloudAuthority: parsed(cloudAuthority), nowMs: Date.now() }

function verdict(keys: KeyRing): string {
  try {
    const { identity, code } = verifyChain(chainOfKeys(keys), trust)
    return `${identity.site} ${code}`
  } catch (error) {
    assert(PeerIdentityInvalid.is(error), String(error))
    return error.message
  }
}

/** A site with a peer, certified by `issuer`. */
async function siteBy(issuer: KeyPair, { site, code }: { site: string; code: number }): Promise<KeyRing> {
  return { ...(await testSite({ cloudAuthority: issuer, site, code })), cloudAuthority, admitter: issuer }
}

function admitter(own: Admitter['own']): Admitter {
  return { cloudAuthority: { certificate: cloudAuthority.certificate }, own }
}

async function invitation(by: Admitter, store = new MemoryTokenStore(), siteName?: string) {
  const expiresAtMs = Date.now() + 60_000
  const { cloudAuthority: certified } = by
  return issueJoinToken({
    cloudAuthority: certified,
    issuerCode: 2,
    store,
    random: systemRandom,
    siteName,
    expiresAtMs,
  })
}

test('a site joins at one that admits, and everybody verifies it with nothing but the cloud authority', async () => {
  const by = admitter({ siteName: 'b', issuer: admits })
  const store = new MemoryTokenStore([], 301)
  const token = await invitation(by, store)
  const pending = await createJoinRequest({ token, siteName: 'b--c' })
  const answer = await acceptJoin({ ...issue, admitter: by, store, request: pending.request })
  const keys = await completeJoin({
    ...issue,
    pending,
    answer: JSON.parse(JSON.stringify(answer)),
    peerName: 'p',
  })
  assert.equal(verdict(keys), 'b--c 301')
})

test('whoever admits gives names of its own only, and the cloud gives none of those', async () => {
  const by = admitter({ siteName: 'b', issuer: admits })
  for (const siteName of ['c', 'a', 'b', 'b-c', 'c--d', 'b--c--d']) {
    const store = new MemoryTokenStore([], 301)
    const { request } = await createJoinRequest({ token: await invitation(by, store), siteName })
    await assert.rejects(
      acceptJoin({ ...issue, admitter: by, store, request }),
      JoinSiteNameReserved.is,
      siteName,
    )
    assert.equal(store.claims.size, 0)
  }
  const store = new MemoryTokenStore()
  const token = await invitation({ cloudAuthority }, store)
  const { request } = await createJoinRequest({ token, siteName: 'b--c' })
  await assert.rejects(
    acceptJoin({ ...issue, admitter: { cloudAuthority }, store, request }),
    JoinSiteNameReserved.is,
  )
})

test('a certificate with a forged code or a name of another site is refused', async () => {
  assert.equal(verdict(await siteBy(admits, { site: 'b--c', code: 309 })), 'b--c 309')
  assert.match(verdict(await siteBy(admits, { site: 'b--c', code: 310 })), /may give/)
  assert.match(verdict(await siteBy(admits, { site: 'b--c', code: 1 })), /may give/)
  assert.match(verdict(await siteBy(admits, { site: 'a', code: 301 })), /not its own/)
  assert.match(verdict(await siteBy(admits, { site: 'x--c', code: 301 })), /not its own/)
  // A peer that claims another code than its site has.
  const site = await testSite({ cloudAuthority, site: 'c', code: 77 })
  const { privateKey } = site.site
  const publicKey = createPublicKey(privateKey)
  const other = await issueSite({
    ...issue,
    issuer: cloudAuthority,
    identity: { cloud, site: 'c' },
    code: 78,
    publicKey,
  })
  const identity = { cloud, site: 'c', peer: 'p' }
  const peer = await createPeer({ ...issue, site: { certificate: other, privateKey }, identity })
  assert.match(verdict({ ...site, peer }), /its code is not the one of its site/)
})

test('a site that may not admit admits nobody, and one that may makes no others that do', async () => {
  const byPlainSite = await siteBy(b.site, { site: 'b--c', code: 2 })
  assert.match(verdict(byPlainSite), /refused/)
  const key = generatePrivateKey()
  const second = {
    certificate: await issueAdmitter({
      ...issue,
      cloudAuthority: admits,
      identity: { cloud, site: 'b--c' },
      codes: { first: 305, last: 309 },
      publicKey: createPublicKey(key),
    }),
    privateKey: key,
  }
  assert.match(verdict(await siteBy(second, { site: 'b--c--d', code: 306 })), /not allowed to by this cloud/)
  // Even when all of it is shown, so that the signatures lead to the cloud.
  const deep = await siteBy(second, { site: 'b--c--d', code: 306 })
  const shown = { certificate: second.certificate + admits.certificate }
  assert.match(verdict({ ...deep, admitter: shown }), /not allowed to by this cloud/)
})

test('who admits sites of one cloud admits none of another, and a renewed authority of the name is another', async () => {
  const stranger = await testCloud()
  const theirs = keyPair(stranger.cloudAuthority)
  const foreign = await testSite({ cloudAuthority: theirs, site: 'b' })
  const foreignAdmits = await admitterOfCloud({ cloudAuthority: theirs, site: 'b', codes, keys: foreign })
  assert.match(
    verdict(await siteBy(foreignAdmits, { site: 'b--c', code: 301 })),
    /not allowed to by this cloud/,
  )
  const by: Admitter = {
    cloudAuthority: { certificate: cloudAuthority.certificate },
    own: { siteName: 'b', issuer: foreignAdmits },
  }
  const store = new MemoryTokenStore([], 301)
  const pending = await createJoinRequest({ token: await invitation(by, store), siteName: 'b--c' })
  const answer = await acceptJoin({ ...issue, admitter: by, store, request: pending.request })
  await assert.rejects(completeJoin({ ...issue, pending, answer, peerName: 'p' }), JoinAnswerInvalid.is)
})

test('an answer that tells another code than its certificate is refused', async () => {
  const store = new MemoryTokenStore()
  const token = await invitation({ cloudAuthority }, store)
  const pending = await createJoinRequest({ token, siteName: 'c' })
  const answer = await acceptJoin({ ...issue, admitter: { cloudAuthority }, store, request: pending.request })
  const lie = { ...answer, siteCode: answer.siteCode + 1 }
  await assert.rejects(completeJoin({ ...issue, pending, answer: lie, peerName: 'p' }), JoinAnswerInvalid.is)
})

test('a token counts at the site that issued it, once', async () => {
  const byB = admitter({ siteName: 'b', issuer: admits })
  const [atB, atFounder] = [new MemoryTokenStore([], 301), new MemoryTokenStore()]
  const token = await invitation(byB, atB)
  const first = await createJoinRequest({ token, siteName: 'b--c' })
  const elsewhere = { ...issue, admitter: { cloudAuthority }, store: atFounder, request: first.request }
  await assert.rejects(acceptJoin(elsewhere), JoinTokenUnknown.is)
  await acceptJoin({ ...issue, admitter: byB, store: atB, request: first.request })
  const second = await createJoinRequest({ token, siteName: 'b--d' })
  await assert.rejects(
    acceptJoin({ ...issue, admitter: byB, store: atB, request: second.request }),
    JoinTokenUsed.is,
  )
})

test('in a cloud that certifies codes no site goes without', async () => {
  const old = await testCloud(systemClock, { certifiesCodes: false })
  const site = await testSite({ cloudAuthority: keyPair(old.cloudAuthority), site: 'c' })
  const trustOfOld = { cloudAuthority: parsed(old.cloudAuthority), nowMs: Date.now() }
  assert.equal(verifyChain(chainOfKeys(site), trustOfOld).code, undefined, 'as before where none are')
  // The same certificates below an authority that certifies codes: a key of its own would not help a liar, so it is the cloud's.
  const publicKey = createPublicKey(site.site.privateKey)
  const issuer = { certificate: old.cloudAuthority.certificate, privateKey: cloudAuthority.privateKey }
  const certificate = await issueSite({
    ...issue,
    issuer,
    identity: { cloud, site: 'c' },
    code: 5,
    publicKey,
  })
  assert.match(verdict({ ...site, site: { ...site.site, certificate } }), /refused/)
})

test('the name of a site tells who has admitted it', () => {
  assert.equal(admitterOf('b--c'), 'b')
  assert.equal(admitterOf('b--c--d'), 'b--c')
  for (const name of ['b', 'b-c', 'b---c', '--c', 'b--']) assert.equal(admitterOf(name), undefined, name)
})
