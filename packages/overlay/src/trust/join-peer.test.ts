import assert from 'node:assert/strict'
import test from 'node:test'
import { inspect } from 'node:util'
import { systemClock, systemRandom } from '@atoll/kit'
import { cloud, MemoryTokenStore, parsed, testCloud, testSite } from '../testing.ts'
import {
  JoinAnswerInvalid,
  JoinPeerMismatch,
  JoinPeerTaken,
  JoinRequestMalformed,
  JoinTokenExpired,
  JoinTokenOfOtherKind,
  JoinTokenUnknown,
  JoinTokenUsed,
  NameInvalid,
} from './errors.ts'
import { acceptJoin, createJoinRequest } from './join.ts'
import {
  acceptPeerJoin,
  completePeerJoin,
  createPeerJoinRequest,
  issuePeerToken,
  type PeerTokenRecord,
  type PeerTokenStore,
} from './join-peer.ts'
import { issueJoinToken } from './join-token.ts'
import type { KeyRing } from './key-ring.ts'
import { chainOfKeys, peerIdentityOf } from './peer-identity.ts'

const issue = { clock: systemClock, random: systemRandom }
const founder = await testCloud()
const site = await testSite({ cloudAuthority: founder.cloudAuthority, site: 'b' })

function memoryStore(taken: readonly string[]): PeerTokenStore & { records: Map<string, PeerTokenRecord> } {
  const records = new Map<string, PeerTokenRecord>()
  const claims = new Map<string, string>()
  return {
    records,
    add: async (record) => void records.set(record.id, record),
    find: async (id) => records.get(id),
    spend: async ({ tokenId, peerName, publicKeyHash }) => {
      const claim = claims.get(tokenId)
      if (claim !== undefined) return claim === publicKeyHash ? 'spent' : 'token_used'
      if (taken.includes(peerName)) return 'peer_taken'
      claims.set(tokenId, publicKeyHash)
      return 'spent'
    },
  }
}

async function invitation({
  keys = site,
  peerName,
  lifeMs = 60_000,
}: {
  keys?: KeyRing
  peerName?: string
  lifeMs?: number
} = {}) {
  const store = memoryStore(['peer-1'])
  const expiresAtMs = Date.now() + lifeMs
  const token = await issuePeerToken({ keys, store, random: systemRandom, peerName, expiresAtMs })
  const accept = (request: unknown) => acceptPeerJoin({ ...issue, keys, store, request })
  return { token, store, accept }
}

test('a peer joins its site with a token, under the keys of the site and one of its own', async () => {
  const { token, accept } = await invitation()
  const pending = await createPeerJoinRequest({ token, peerName: 'peer-2' })
  const answer = JSON.parse(JSON.stringify(await accept(pending.request)))
  const keys = completePeerJoin({ ...issue, pending, answer })
  const trust = { cloudAuthority: parsed(founder.cloudAuthority), nowMs: Date.now() }
  assert.deepEqual(peerIdentityOf(chainOfKeys(keys), trust), { cloud, site: 'b', peer: 'peer-2' })
  assert.equal(keys.signingKey, site.signingKey)
  assert.equal(keys.site.privateKey, site.site.privateKey)
  assert.equal(keys.cloudAuthority.privateKey, undefined)
  assert.notEqual(keys.peer.privateKey, site.peer.privateKey)
  const [, , secretLine = ''] = keys.peer.privateKey.split('\n')
  assert.ok(secretLine.length > 40 && !JSON.stringify([pending.request, answer]).includes(secretLine))
})

test('a peer of the founding site can admit other sites as well', async () => {
  const { token, accept } = await invitation({ keys: founder })
  const pending = await createPeerJoinRequest({ token, peerName: 'peer-2' })
  const keys = completePeerJoin({ ...issue, pending, answer: await accept(pending.request) })
  assert.equal(keys.cloudAuthority.privateKey, founder.cloudAuthority.privateKey)
})

test('a token of a site admits no peer, and one of a peer no site', async () => {
  const { token: ofPeer, store } = await invitation()
  await assert.rejects(createJoinRequest({ token: ofPeer, siteName: 'c' }), JoinTokenOfOtherKind.is)
  const sites = new MemoryTokenStore(['a'])
  const { cloudAuthority } = founder
  const expiresAtMs = Date.now() + 60_000
  const ofSite = await issueJoinToken({
    cloudAuthority,
    issuerCode: 1,
    store: sites,
    random: systemRandom,
    expiresAtMs,
  })
  await assert.rejects(createPeerJoinRequest({ token: ofSite, peerName: 'peer-2' }), JoinTokenOfOtherKind.is)
  // Whoever rewrites the first word finds that the two are kept apart.
  const disguised = await createPeerJoinRequest({
    token: ofSite.replace('atoll1', 'atoll-peer1'),
    peerName: 'peer-2',
  })
  await assert.rejects(
    acceptPeerJoin({ ...issue, keys: site, store, request: disguised.request }),
    JoinTokenUnknown.is,
  )
  const asSite = await createJoinRequest({ token: ofPeer.replace('atoll-peer1', 'atoll1'), siteName: 'c' })
  await assert.rejects(
    acceptJoin({ ...issue, admitter: { cloudAuthority }, store: sites, request: asSite.request }),
    JoinTokenUnknown.is,
  )
})

test('a token admits one peer, which may ask again when its answer was lost', async () => {
  const { token, accept } = await invitation()
  const first = await createPeerJoinRequest({ token, peerName: 'peer-2' })
  await accept(first.request)
  completePeerJoin({ ...issue, pending: first, answer: await accept(first.request) })
  const second = await createPeerJoinRequest({ token, peerName: 'peer-2' })
  await assert.rejects(accept(second.request), JoinTokenUsed.is)
})

test('wrong secrets, late ones and other names are refused', async () => {
  const { accept, token } = await invitation({ peerName: 'peer-2' })
  const { request } = await createPeerJoinRequest({ token, peerName: 'peer-3' })
  await assert.rejects(accept(request), JoinPeerMismatch.is)
  await assert.rejects(accept({ ...request, secret: 'A'.repeat(22) }), JoinTokenUnknown.is)
  await assert.rejects(accept({ ...request, signingRequest: undefined }), JoinRequestMalformed.is)
  await assert.rejects(createPeerJoinRequest({ token, peerName: 'Peer 2' }), NameInvalid.is)
  const late = await invitation({ lifeMs: -1 })
  const pending = await createPeerJoinRequest({ token: late.token, peerName: 'peer-2' })
  await assert.rejects(late.accept(pending.request), JoinTokenExpired.is)
})

test('a name that a peer has is refused, and the token stays good', async () => {
  const { token, accept } = await invitation()
  const taken = await createPeerJoinRequest({ token, peerName: 'peer-1' })
  await assert.rejects(accept(taken.request), JoinPeerTaken.is)
  await accept((await createPeerJoinRequest({ token, peerName: 'peer-2' })).request)
})

test('an answer of another site or cloud is refused, and shows no key', async () => {
  const { token } = await invitation()
  const pending = await createPeerJoinRequest({ token, peerName: 'peer-2' })
  const elsewhere = await testCloud()
  for (const keys of [founder, elsewhere]) {
    const other = await invitation({ keys })
    const asked = await createPeerJoinRequest({ token: other.token, peerName: 'peer-2' })
    const answer = await other.accept(asked.request)
    assert.throws(
      () => completePeerJoin({ ...issue, pending, answer }),
      (error) => JoinAnswerInvalid.is(error) && !inspect(error).includes('PRIVATE'),
    )
  }
  assert.throws(() => completePeerJoin({ ...issue, pending, answer: {} }), JoinAnswerInvalid.is)
})
