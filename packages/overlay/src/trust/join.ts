/**
 * How a site joins. Private keys are made where they are used and never travel.
 *
 *     new site                                        holder of the cloud authority, or a site that admits
 *     createJoinRequest ── token id, secret, CSR ──▶  acceptJoin: token, name, signature
 *     completeJoin ◀── site and cloud certificate ──
 *
 * The request carries the secret, so it must be sent over a connection whose end was verified against the hash in
 * the token: `requestJoin` does that.
 */

import { createPublicKey, timingSafeEqual, X509Certificate } from 'node:crypto'
import { assert, type SiteCode } from '@atoll/kit'
import { createPeer, type IssueOptions, issueSite } from './authority.ts'
import { exportPublicKey, fingerprintOf } from './certificate.ts'
import { type ClaimTexts, makeClaim, readClaim } from './claim.ts'
import {
  JoinAnswerInvalid,
  JoinCodesUsedUp,
  JoinSiteMismatch,
  JoinSiteNameReserved,
  JoinSiteTaken,
  JoinTokenUsed,
  PeerIdentityInvalid,
} from './errors.ts'
import { admittedName, admitterOf, requireNames, siteName as subjectOfSite } from './identity.ts'
import {
  type JoinToken,
  type JoinTokenRecord,
  type JoinTokenStore,
  parseJoinToken,
  type SpendOutcome,
} from './join-token.ts'
import type { KeyPair, KeyRing } from './key-ring.ts'
import { certifiesCodes, type SiteChain, verifyCloudAuthority, verifySite } from './peer-identity.ts'
import { SiteSigner } from './site-signer.ts'

/** What travels to the cloud, as JSON. */
export interface JoinRequest extends ClaimTexts {
  readonly siteName: string
}

/** What travels back, as JSON. Nothing in it is secret. */
export interface JoinAnswer {
  readonly cloudCertificate: string
  readonly siteCertificate: string
  /** Of the site that admits, unless the cloud authority itself does. */
  readonly admitterCertificate?: string
  readonly siteCode: number
}

/** What the joiner keeps until the answer is there. Keep it for another try: the token is bound to it once spent. */
export interface PendingJoin {
  readonly token: JoinToken
  readonly siteName: string
  readonly siteKey: string
  readonly request: JoinRequest
}

/** Whose key certifies those who join: of the cloud, or of a site that admits others under names of its own. */
export interface Admitter {
  readonly cloudAuthority: { readonly certificate: string; readonly privateKey?: string }
  /** Needed where the cloud's key is not. */
  readonly own?: { readonly siteName: string; readonly issuer: KeyPair } | undefined
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
  const { privateKey: siteKey, texts } = await makeClaim(token, subjectOfSite({ site: siteName }))
  return { token, siteName, siteKey, request: { ...texts, siteName } }
}

/**
 * Refuses a name that whoever admits may not give: a site gives names that begin with its own, and the cloud, where there can be
 * such sites, all others. So no two of them can give the same one, whoever is cut off from whom.
 *
 * @throws JoinSiteNameReserved
 */
export function requireAdmissibleName(site: string, { cloudAuthority, own }: Admitter): void {
  const given = admitterOf(site)
  if (cloudAuthority.privateKey === undefined) {
    const example = admittedName(own?.siteName ?? '', site.slice(site.lastIndexOf('--') + 1))
    if (given !== own?.siteName) throw JoinSiteNameReserved({ site, example })
  } else if (given !== undefined && certifiesCodes(new X509Certificate(cloudAuthority.certificate))) {
    throw JoinSiteNameReserved({ site, example: site.replaceAll(/-+/g, '-') })
  }
}

/**
 * Admits a site: the token is spent and the name and a code are taken in one step, after everything else was found right.
 *
 * @param options.request what came in, not yet checked
 * @throws JoinRequestMalformed | NameInvalid | JoinTokenUnknown | JoinTokenExpired | JoinTokenUsed
 *   | JoinSiteMismatch | JoinSiteNameReserved | JoinSiteTaken | JoinCodesUsedUp; then the token is as before
 */
export async function acceptJoin(
  options: IssueOptions & {
    readonly request: unknown
    readonly admitter: Admitter
    readonly store: JoinTokenStore
  },
): Promise<JoinAnswer> {
  const { admitter, store } = options
  const claim = await readClaim<JoinTokenRecord>({
    ...options,
    nameKey: 'siteName',
  })
  const { tokenId, record, name: siteName, publicKey, publicKeyHash } = claim
  if (record.siteName !== undefined && record.siteName !== siteName)
    throw JoinSiteMismatch({ site: siteName })
  requireAdmissibleName(siteName, admitter)
  const { cloud } = verifyCloudAuthority(new X509Certificate(admitter.cloudAuthority.certificate))
  const issuer = issuerOf(admitter)
  const code = codeFrom(await store.spend({ tokenId, siteName, publicKeyHash }), siteName)
  const siteCertificate = await issueSite({
    ...options,
    issuer,
    identity: { cloud, site: siteName },
    code,
    publicKey,
  })
  return {
    cloudCertificate: admitter.cloudAuthority.certificate,
    siteCertificate,
    ...(issuer === admitter.own?.issuer ? { admitterCertificate: issuer.certificate } : {}),
    siteCode: code,
  }
}

function codeFrom(outcome: SpendOutcome, site: string): SiteCode {
  switch (outcome.kind) {
    case 'spent':
      return outcome.code
    case 'token_used':
      throw JoinTokenUsed(undefined)
    case 'site_taken':
      throw JoinSiteTaken({ site })
    case 'codes_used_up':
      throw JoinCodesUsedUp(undefined)
  }
}

function issuerOf({ cloudAuthority, own }: Admitter): KeyPair {
  const { certificate, privateKey } = cloudAuthority
  if (privateKey !== undefined) return { certificate, privateKey }
  assert(own !== undefined, 'whoever admits has a key for it')
  return own.issuer
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
  const { cloudCertificate, siteCertificate, admitterCertificate } = parseJoinAnswer(options.answer)
  const cloudAuthority = parseCertificate(cloudCertificate)
  if (!timingSafeEqual(fingerprintOf({ certificate: cloudCertificate }), pending.token.cloudAuthorityHash)) {
    throw JoinAnswerInvalid({ reason: 'it comes from another cloud than the token' })
  }
  const site = parseCertificate(siteCertificate)
  const admitter = admitterCertificate === undefined ? undefined : parseCertificate(admitterCertificate)
  const { code, ...identity } = verifyAnswer({ site, admitter }, cloudAuthority, clock.nowMs())
  if (identity.site !== pending.siteName) throw JoinAnswerInvalid({ reason: 'it is for another site' })
  const ownKey = exportPublicKey(createPublicKey(pending.siteKey))
  if (!exportPublicKey(site.publicKey).equals(ownKey))
    throw JoinAnswerInvalid({ reason: 'it is for another key' })
  const { siteCode } = options.answer as Partial<JoinAnswer>
  if (code !== undefined && code !== siteCode)
    throw JoinAnswerInvalid({ reason: 'it tells another site code than its certificate' })
  const siteAuthority = { certificate: siteCertificate, privateKey: pending.siteKey }
  return {
    cloudAuthority: { certificate: cloudCertificate },
    site: siteAuthority,
    ...(admitterCertificate === undefined ? {} : { admitter: { certificate: admitterCertificate } }),
    peer: await createPeer({ ...options, site: siteAuthority, identity: { ...identity, peer: peerName } }),
    signingKey: SiteSigner.generate().privateKey,
  }
}

function parseJoinAnswer(answer: unknown): Omit<JoinAnswer, 'siteCode'> {
  const given = Object(answer) as Partial<Record<string, unknown>>
  const { cloudCertificate, siteCertificate, admitterCertificate } = given
  if (typeof cloudCertificate !== 'string' || typeof siteCertificate !== 'string') {
    throw JoinAnswerInvalid({ reason: 'it holds no certificates' })
  }
  if (admitterCertificate === undefined) return { cloudCertificate, siteCertificate }
  if (typeof admitterCertificate !== 'string')
    throw JoinAnswerInvalid({ reason: 'the certificate of who admits is none' })
  return { cloudCertificate, siteCertificate, admitterCertificate }
}

function parseCertificate(text: string): X509Certificate {
  try {
    return new X509Certificate(text)
  } catch (cause) {
    throw JoinAnswerInvalid({ reason: 'a certificate in it cannot be read' }, { cause })
  }
}

function verifyAnswer(chain: SiteChain, cloudAuthority: X509Certificate, nowMs: number) {
  try {
    return verifySite(chain, { cloudAuthority, nowMs })
  } catch (cause) {
    if (PeerIdentityInvalid.is(cause)) {
      throw JoinAnswerInvalid({ reason: 'its certificate of the site is not one of the cloud' }, { cause })
    }
    throw cause
  }
}
