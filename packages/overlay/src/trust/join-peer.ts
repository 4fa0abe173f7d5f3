/**
 * How one more peer joins its site: it gets what the peers of a site share. The key of the new peer itself is made where it is
 * used and never travels; the keys of the site must, over a connection whose end was verified against the hash of the site's
 * certificate in the token: `requestJoin` does that.
 *
 *     new peer                                          a peer of the site
 *     createPeerJoinRequest ── token id, secret, CSR ──▶ acceptPeerJoin: token, name
 *     completePeerJoin ◀── certificate, keys of the site ──
 */

import { createPublicKey, timingSafeEqual, X509Certificate } from 'node:crypto'
import type { Clock, Random } from '@atoll/kit'
import { type IssueOptions, issuePeer } from './authority.ts'
import { exportPublicKey, fingerprintOf } from './certificate.ts'
import { type ClaimTexts, makeClaim, readClaim } from './claim.ts'
import { JoinAnswerInvalid, JoinPeerMismatch, JoinPeerTaken, JoinTokenUsed } from './errors.ts'
import { requireNames } from './identity.ts'
import { makeToken, parseToken, type TokenParts } from './join-token.ts'
import type { KeyRing } from './key-ring.ts'
import { chainOfKeys, verifyChain } from './peer-identity.ts'

/** What a site keeps of a token for a peer. */
export interface PeerTokenRecord {
  readonly id: string
  /** SHA-256 of the secret, base64url. */
  readonly secretHash: string
  /** The only name that the peer may take; undefined leaves the choice to it. */
  readonly peerName?: string | undefined
  readonly expiresAtMs: number
}

/** Where a site keeps its tokens for peers: in the store that they share, so that any of them admits. */
export interface PeerTokenStore {
  add(record: PeerTokenRecord): Promise<void>
  find(id: string): Promise<PeerTokenRecord | undefined>
  /** As `JoinTokenStore.spend`: exactly one claim ever spends a token; `peer_taken` leaves it unspent. */
  spend(claim: {
    readonly tokenId: string
    readonly peerName: string
    readonly publicKeyHash: string
  }): Promise<'spent' | 'token_used' | 'peer_taken'>
}

/** What travels to the site, as JSON. */
export interface PeerJoinRequest extends ClaimTexts {
  readonly peerName: string
}

/** What travels back, as JSON. Secret: it must never be logged. */
export interface PeerJoinAnswer {
  readonly cloudCertificate: string
  /** At the founding site, any of whose peers admits other sites. */
  readonly cloudKey?: string
  readonly siteCertificate: string
  readonly siteKey: string
  /** See `KeyRing`. */
  readonly admitterCertificate?: string
  readonly admitsCertificate?: string
  readonly signingKey: string
  readonly peerCertificate: string
}

/** What the joiner keeps until the answer is there. */
export interface PendingPeerJoin {
  readonly token: TokenParts
  readonly peerName: string
  readonly peerKey: string
  readonly request: PeerJoinRequest
}

/** Issues a token that lets one peer in, and keeps its record. @throws NameInvalid */
export async function issuePeerToken(options: {
  readonly keys: Pick<KeyRing, 'site'>
  readonly store: PeerTokenStore
  readonly random: Random
  readonly peerName?: string | undefined
  readonly expiresAtMs: number
}): Promise<string> {
  const { keys, store, random, peerName, expiresAtMs } = options
  if (peerName !== undefined) requireNames({ peer: peerName })
  const { text, id, secretHash } = makeToken('a peer', keys.site, { random })
  await store.add({ id, secretHash, peerName, expiresAtMs })
  return text
}

/** @throws JoinTokenMalformed | JoinTokenOfOtherKind | NameInvalid */
export async function createPeerJoinRequest(options: {
  readonly token: string
  readonly peerName: string
}): Promise<PendingPeerJoin> {
  const { peerName } = options
  const token = parseToken(options.token, 'a peer')
  requireNames({ peer: peerName })
  // The site writes the name into the certificate as it sees fit.
  const { privateKey: peerKey, texts } = await makeClaim(token, [['CN', peerName]])
  return { token, peerName, peerKey, request: { ...texts, peerName } }
}

/**
 * Admits a peer: the token is spent after everything else was found right.
 *
 * @param options.request what came in, not yet checked
 * @throws JoinRequestMalformed | NameInvalid | JoinTokenUnknown | JoinTokenExpired | JoinTokenUsed
 *   | JoinPeerMismatch | JoinPeerTaken; then the token is as before
 */
export async function acceptPeerJoin(
  options: IssueOptions & {
    readonly request: unknown
    readonly keys: KeyRing
    readonly store: PeerTokenStore
  },
): Promise<PeerJoinAnswer> {
  const { keys, store } = options
  const claim = await readClaim<PeerTokenRecord>({ ...options, nameKey: 'peerName' })
  const { tokenId, record, name: peerName, publicKey, publicKeyHash } = claim
  if (record.peerName !== undefined && record.peerName !== peerName)
    throw JoinPeerMismatch({ peer: peerName })
  const cloudAuthority = new X509Certificate(keys.cloudAuthority.certificate)
  const { identity } = verifyChain(chainOfKeys(keys), { cloudAuthority, nowMs: undefined })
  const peerCertificate = await issuePeer({
    ...options,
    site: keys.site,
    identity: { ...identity, peer: peerName },
    publicKey,
  })
  const outcome = await store.spend({ tokenId, peerName, publicKeyHash })
  if (outcome === 'token_used') throw JoinTokenUsed(undefined)
  if (outcome === 'peer_taken') throw JoinPeerTaken({ peer: peerName })
  const { privateKey: cloudKey } = keys.cloudAuthority
  return {
    cloudCertificate: keys.cloudAuthority.certificate,
    ...(cloudKey === undefined ? {} : { cloudKey }),
    siteCertificate: keys.site.certificate,
    siteKey: keys.site.privateKey,
    ...(keys.admitter ? { admitterCertificate: keys.admitter.certificate } : {}),
    ...(keys.admits ? { admitsCertificate: keys.admits.certificate } : {}),
    signingKey: keys.signingKey,
    peerCertificate,
  }
}

/** Checks the answer against the hash in the token. Writes nothing. @throws JoinAnswerInvalid */
export function completePeerJoin(options: {
  readonly clock: Clock
  readonly pending: PendingPeerJoin
  readonly answer: unknown
}): KeyRing {
  const { pending, clock } = options
  const { cloudKey, admitterCertificate, admitsCertificate, ...answer } = parseAnswer(options.answer)
  const { cloudCertificate, siteCertificate, siteKey, signingKey, peerCertificate } = answer
  const keys: KeyRing = {
    cloudAuthority: {
      certificate: cloudCertificate,
      ...(cloudKey === undefined ? {} : { privateKey: cloudKey }),
    },
    site: { certificate: siteCertificate, privateKey: siteKey },
    ...(admitterCertificate === undefined ? {} : { admitter: { certificate: admitterCertificate } }),
    ...(admitsCertificate === undefined ? {} : { admits: { certificate: admitsCertificate } }),
    peer: { certificate: peerCertificate, privateKey: pending.peerKey },
    signingKey,
  }
  try {
    if (!timingSafeEqual(fingerprintOf(keys.site), pending.token.hash))
      throw JoinAnswerInvalid({ reason: 'it comes from another site than the token' })
    const cloudAuthority = new X509Certificate(cloudCertificate)
    const { identity } = verifyChain(chainOfKeys(keys), { cloudAuthority, nowMs: clock.nowMs() })
    if (identity.peer !== pending.peerName) throw JoinAnswerInvalid({ reason: 'it is for another peer' })
    for (const { certificate, privateKey } of [keys.site, keys.peer]) {
      const isOwn = exportPublicKey(new X509Certificate(certificate).publicKey).equals(
        exportPublicKey(createPublicKey(privateKey)),
      )
      if (!isOwn) throw JoinAnswerInvalid({ reason: 'a key in it does not belong to its certificate' })
    }
    return keys
  } catch (cause) {
    if (JoinAnswerInvalid.is(cause)) throw cause
    // What failed may show a key; its kind says enough.
    throw JoinAnswerInvalid({ reason: 'its keys and certificates do not belong together' })
  }
}

function parseAnswer(answer: unknown): PeerJoinAnswer {
  const given = Object(answer) as Partial<Record<string, unknown>>
  const text = (name: string): string => {
    const value = given[name]
    if (typeof value !== 'string') throw JoinAnswerInvalid({ reason: `it lacks ${name}` })
    return value
  }
  return {
    cloudCertificate: text('cloudCertificate'),
    ...(given.cloudKey === undefined ? {} : { cloudKey: text('cloudKey') }),
    ...(given.admitterCertificate === undefined ? {} : { admitterCertificate: text('admitterCertificate') }),
    ...(given.admitsCertificate === undefined ? {} : { admitsCertificate: text('admitsCertificate') }),
    siteCertificate: text('siteCertificate'),
    siteKey: text('siteKey'),
    signingKey: text('signingKey'),
    peerCertificate: text('peerCertificate'),
  }
}
