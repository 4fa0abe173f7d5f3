/**
 * How a site joins. Private keys are made where they are used and never travel.
 *
 *     new site                                        holder of the cloud authority
 *     createJoinRequest ── token id, secret, CSR ──▶  acceptJoin: token, name, signature
 *     completeJoin ◀── site and cloud certificate ──
 *
 * The request carries the secret, so it must be sent over a connection whose end was verified against the hash in
 * the token: `requestJoin` does that.
 */

import { createHash, createPublicKey, timingSafeEqual, X509Certificate } from 'node:crypto'
import { createPeer, type IssueOptions, issueSite } from './authority.ts'
import {
  createSigningRequest,
  exportPublicKey,
  fingerprintOf,
  generatePrivateKey,
  readSigningRequest,
} from './certificate.ts'
import {
  JoinAnswerInvalid,
  JoinRequestMalformed,
  JoinSiteMismatch,
  JoinSiteTaken,
  JoinTokenUsed,
  PeerIdentityInvalid,
} from './errors.ts'
import { requireNames } from './identity.ts'
import { type JoinToken, type JoinTokenStore, parseJoinToken, recognizeJoinToken } from './join-token.ts'
import type { KeyPair, KeyRing } from './key-ring.ts'
import { verifyCloudAuthority, verifySite } from './peer-identity.ts'
import { SiteSigner } from './site-signer.ts'

/** What travels to the cloud, as JSON. */
export interface JoinRequest {
  readonly tokenId: string
  readonly secret: string
  readonly siteName: string
  /** PEM, PKCS #10. */
  readonly signingRequest: string
}

/** What travels back, as JSON. Nothing in it is secret. */
export interface JoinAnswer {
  readonly cloudCertificate: string
  readonly siteCertificate: string
}

/** What the joiner keeps until the answer is there. Keep it for another try: the token is bound to it once spent. */
export interface PendingJoin {
  readonly token: JoinToken
  readonly siteName: string
  readonly siteKey: string
  readonly request: JoinRequest
}

/**
 * Makes the key of the site and the request for its certificate.
 *
 * @throws JoinTokenMalformed | NameInvalid
 */
export async function createJoinRequest(options: { token: string; siteName: string }): Promise<PendingJoin> {
  const { siteName } = options
  const token = parseJoinToken(options.token)
  requireNames({ site: siteName })
  const siteKey = generatePrivateKey()
  const signingRequest = await createSigningRequest({
    subject: { O: 'Atoll', OU: 'site', CN: siteName },
    privateKey: siteKey,
  })
  const request = { tokenId: token.id, secret: token.secret, siteName, signingRequest }
  return { token, siteName, siteKey, request }
}

/**
 * Admits a site: the token is spent and the name is taken in one step, after everything else was found right.
 *
 * @param options.request what came in, not yet checked
 * @throws JoinRequestMalformed | NameInvalid | JoinTokenUnknown | JoinTokenExpired | JoinTokenUsed
 *   | JoinSiteMismatch | JoinSiteTaken; then the token is as before
 */
export async function acceptJoin(
  options: IssueOptions & {
    readonly request: unknown
    readonly cloudAuthority: KeyPair
    readonly store: JoinTokenStore
  },
): Promise<JoinAnswer> {
  const { cloudAuthority, store, clock } = options
  const { tokenId, secret, siteName, signingRequest } = parseJoinRequest(options.request)
  const record = await recognizeJoinToken({ store, clock, id: tokenId, secret })
  requireNames({ site: siteName })
  if (record.siteName !== undefined && record.siteName !== siteName)
    throw JoinSiteMismatch({ site: siteName })
  const publicKey = await readSigningRequest(signingRequest)
  const { cloud } = verifyCloudAuthority(new X509Certificate(cloudAuthority.certificate))
  const siteCertificate = await issueSite({ ...options, identity: { cloud, site: siteName }, publicKey })
  const publicKeyHash = createHash('sha256').update(exportPublicKey(publicKey)).digest('base64url')
  const outcome = await store.spend({ tokenId, siteName, publicKeyHash })
  if (outcome === 'token_used') throw JoinTokenUsed(undefined)
  if (outcome === 'site_taken') throw JoinSiteTaken({ site: siteName })
  return { cloudCertificate: cloudAuthority.certificate, siteCertificate }
}

/**
 * Checks the answer against the hash in the token, and makes the first peer of the site. Writes nothing.
 *
 * @throws JoinAnswerInvalid | NameInvalid
 */
export async function completeJoin(
  options: IssueOptions & {
    readonly pending: PendingJoin
    readonly answer: unknown
    readonly peerName: string
  },
): Promise<KeyRing> {
  const { pending, peerName, clock } = options
  requireNames({ peer: peerName })
  const { cloudCertificate, siteCertificate } = parseJoinAnswer(options.answer)
  const cloudAuthority = parseCertificate(cloudCertificate)
  if (!timingSafeEqual(fingerprintOf({ certificate: cloudCertificate }), pending.token.cloudAuthorityHash)) {
    throw JoinAnswerInvalid({ reason: 'it comes from another cloud than the token' })
  }
  const site = parseCertificate(siteCertificate)
  const identity = siteIdentityOf(site, cloudAuthority, clock.nowMs())
  if (identity.site !== pending.siteName) throw JoinAnswerInvalid({ reason: 'it is for another site' })
  const ownKey = exportPublicKey(createPublicKey(pending.siteKey))
  if (!exportPublicKey(site.publicKey).equals(ownKey))
    throw JoinAnswerInvalid({ reason: 'it is for another key' })
  const siteAuthority = { certificate: siteCertificate, privateKey: pending.siteKey }
  return {
    cloudAuthority: { certificate: cloudCertificate },
    site: siteAuthority,
    peer: await createPeer({ ...options, site: siteAuthority, identity: { ...identity, peer: peerName } }),
    signingKey: SiteSigner.generate().privateKey,
  }
}

function parseJoinRequest(request: unknown): JoinRequest {
  const { tokenId, secret, siteName, signingRequest } = Object(request) as Partial<Record<string, unknown>>
  if (
    typeof tokenId !== 'string' ||
    typeof secret !== 'string' ||
    typeof siteName !== 'string' ||
    typeof signingRequest !== 'string'
  ) {
    throw JoinRequestMalformed({ reason: 'tokenId, secret, siteName and signingRequest must be texts' })
  }
  return { tokenId, secret, siteName, signingRequest }
}

function parseJoinAnswer(answer: unknown): JoinAnswer {
  const { cloudCertificate, siteCertificate } = Object(answer) as Partial<Record<string, unknown>>
  if (typeof cloudCertificate !== 'string' || typeof siteCertificate !== 'string') {
    throw JoinAnswerInvalid({ reason: 'it holds no certificates' })
  }
  return { cloudCertificate, siteCertificate }
}

function parseCertificate(text: string): X509Certificate {
  try {
    return new X509Certificate(text)
  } catch (cause) {
    throw JoinAnswerInvalid({ reason: 'a certificate in it cannot be read' }, { cause })
  }
}

function siteIdentityOf(site: X509Certificate, cloudAuthority: X509Certificate, nowMs: number) {
  try {
    return verifySite(site, { cloudAuthority, nowMs })
  } catch (cause) {
    if (PeerIdentityInvalid.is(cause)) {
      throw JoinAnswerInvalid({ reason: 'its certificate of the site is not one of the cloud' }, { cause })
    }
    throw cause
  }
}
