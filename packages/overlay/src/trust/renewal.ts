/**
 * How a site gets a new certificate, or one with which it may admit others: it shows the certificate that it has and proves, by
 * a signing request, that it holds its key. The key stays the same, so that all that it has signed stays good, and whoever repeats
 * a request that was overheard only gets a certificate for a key that it does not have. Hence the answer does not depend on the
 * connection: a site whose certificate has expired while it was away can still ask.
 */

import { createPublicKey, type KeyObject, X509Certificate } from 'node:crypto'
import type { SiteCode } from '@atoll/kit'
import { type IssueOptions, issueSite } from './authority.ts'
import { createSigningRequest, exportPublicKey, readSigningRequest } from './certificate.ts'
import {
  CannotCertify,
  CertificateAnswerInvalid,
  CertificateExpiredLongAgo,
  JoinRequestMalformed,
} from './errors.ts'
import { admitterOf } from './identity.ts'
import type { Admitter } from './join.ts'
import type { KeyPair, KeyRing } from './key-ring.ts'
import {
  chainOfKeys,
  siteChainOf,
  type VerifiedSite,
  verifyAdmitter,
  verifyChain,
  verifySite,
} from './peer-identity.ts'
import { isWithin, oneSiteCode, siteCodesOf } from './site-codes.ts'
import { validityOf } from './validity.ts'

/**
 * For how long after its certificate has expired a site may ask for a new one: as long as an absence that nobody planned. Longer:
 * a key that was stolen from a site which nobody uses any more is worth something for longer; revoke such sites.
 */
export const RENEWAL_GRACE_MS = 365 * 86_400_000

/** What travels, as JSON. Nothing in it is secret. */
export interface CertificateRequest {
  /** Of the site. PEM. */
  readonly siteCertificate: string
  readonly admitterCertificate?: string
  /** PEM, PKCS #10, by the key of the site. */
  readonly signingRequest: string
}

/** What travels back, as JSON. */
export interface SiteCertificateAnswer {
  readonly siteCertificate: string
  readonly admitterCertificate?: string
}

export async function createCertificateRequest(
  keys: Pick<KeyRing, 'site' | 'admitter'>,
): Promise<CertificateRequest> {
  const { site, admitter } = keys
  const signingRequest = await createSigningRequest({
    subject: [['CN', 'site']],
    privateKey: site.privateKey,
  })
  return {
    siteCertificate: site.certificate,
    ...(admitter ? { admitterCertificate: admitter.certificate } : {}),
    signingRequest,
  }
}

export interface ProvenSite extends VerifiedSite {
  readonly publicKey: KeyObject
}

/**
 * Which site asks, proven by its key. Its certificate may have expired, but not longer ago than `graceMs`.
 *
 * @param options.request what came in
 * @throws JoinRequestMalformed | PeerIdentityInvalid | CertificateExpiredLongAgo
 */
export async function proveSite(options: {
  readonly request: unknown
  readonly cloudAuthority: { readonly certificate: string }
  readonly nowMs: number
  readonly graceMs: number
}): Promise<ProvenSite> {
  const { request, cloudAuthority, nowMs, graceMs } = options
  const { siteCertificate, admitterCertificate, signingRequest } = Object(request) as Readonly<
    Record<string, unknown>
  >
  if (typeof siteCertificate !== 'string' || typeof signingRequest !== 'string')
    throw JoinRequestMalformed({ reason: 'siteCertificate and signingRequest must be texts' })
  const site = parseCertificate(siteCertificate)
  const admitter = typeof admitterCertificate === 'string' ? parseCertificate(admitterCertificate) : undefined
  // Whether it was the cloud's is asked first: of anybody else nothing is even parsed.
  const trust = { cloudAuthority: new X509Certificate(cloudAuthority.certificate), nowMs: undefined }
  const verified = verifySite({ site, admitter }, trust)
  if (nowMs > validityOf(site).notAfterMs + graceMs) throw CertificateExpiredLongAgo({ site: verified.site })
  const publicKey = await readSigningRequest(signingRequest)
  if (!exportPublicKey(publicKey).equals(exportPublicKey(site.publicKey)))
    throw JoinRequestMalformed({ reason: 'it was not made with the key of the site' })
  return { ...verified, publicKey }
}

/** Whether `by` has a key that can certify this site: the cloud's, or the one of the site that admitted it. */
export function canRenew({ site, code }: VerifiedSite, by: Admitter): boolean {
  if (by.cloudAuthority.privateKey !== undefined) return true
  const codes = by.own && siteCodesOf(new X509Certificate(by.own.issuer.certificate))
  return (
    by.own?.siteName === admitterOf(site) &&
    !!codes &&
    code !== undefined &&
    isWithin(oneSiteCode(code), codes)
  )
}

/** The same name, code and key with a new term. @throws CannotCertify */
export async function renewSite(
  options: IssueOptions & { readonly proven: ProvenSite; readonly by: Admitter },
): Promise<SiteCertificateAnswer> {
  const { proven, by } = options
  const { cloud, site, publicKey } = proven
  if (!canRenew(proven, by)) throw CannotCertify({ site })
  const { certificate, privateKey } = by.cloudAuthority
  const issuer = privateKey === undefined ? by.own?.issuer : { certificate, privateKey }
  if (!issuer) throw CannotCertify({ site })
  // Where no codes are certified, none is written.
  const code: SiteCode = proven.code ?? 0
  const siteCertificate = await issueSite({ ...options, issuer, identity: { cloud, site }, code, publicKey })
  return { siteCertificate, ...(privateKey === undefined ? { admitterCertificate: issuer.certificate } : {}) }
}

/**
 * Checks the certificate that came back: for the same site, code and key, and one that lasts longer.
 * @throws CertificateAnswerInvalid
 */
export function completeSiteRenewal(options: {
  readonly keys: KeyRing
  readonly answer: SiteCertificateAnswer
  readonly nowMs: number
}): void {
  const { keys, answer, nowMs } = options
  checkAnswer(() => {
    const { siteCertificate, admitterCertificate } = answer
    const site = new X509Certificate(siteCertificate)
    const cloudAuthority = new X509Certificate(keys.cloudAuthority.certificate)
    const admitter = admitterCertificate === undefined ? undefined : new X509Certificate(admitterCertificate)
    const renewed = verifySite({ site, admitter }, { cloudAuthority, nowMs })
    const former = verifySite(siteChainOf(keys), { cloudAuthority, nowMs: undefined })
    // The peers' certificates must chain to it as they are.
    verifyChain({ ...chainOfKeys(keys), site, admitter }, { cloudAuthority, nowMs: undefined })
    const isLonger =
      validityOf(site).notAfterMs > validityOf(new X509Certificate(keys.site.certificate)).notAfterMs
    return renewed.site === former.site && renewed.code === former.code && isOwn(keys.site, site) && isLonger
  })
}

/** Checks the certificate with which this site may admit others. @throws CertificateAnswerInvalid */
export function completeAdmission(options: {
  readonly keys: KeyRing
  readonly certificate: string
  readonly nowMs: number
}): void {
  const { keys, certificate, nowMs } = options
  checkAnswer(() => {
    const admits = new X509Certificate(certificate)
    const cloudAuthority = new X509Certificate(keys.cloudAuthority.certificate)
    const { site } = verifyAdmitter(admits, { cloudAuthority, nowMs })
    const own = verifySite(siteChainOf(keys), { cloudAuthority, nowMs: undefined })
    return site === own.site && isOwn(keys.site, admits)
  })
}

function isOwn({ privateKey }: KeyPair, certificate: X509Certificate): boolean {
  return exportPublicKey(certificate.publicKey).equals(exportPublicKey(createPublicKey(privateKey)))
}

function checkAnswer(isGood: () => boolean): void {
  let cause: unknown
  try {
    if (isGood()) return
  } catch (error) {
    cause = error
  }
  throw CertificateAnswerInvalid({}, { cause })
}

function parseCertificate(text: string): X509Certificate {
  try {
    return new X509Certificate(text)
  } catch (cause) {
    throw JoinRequestMalformed({ reason: 'a certificate in it cannot be read' }, { cause })
  }
}
