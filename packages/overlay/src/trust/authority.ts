/**
 * The chain of trust: the cloud authority certifies sites, a site certifies its own peers.
 *
 *     cloud authority ─┬─ site a ─┬─ peer 1 of a
 *                      │          └─ peer 2 of a
 *                      ├─ site b ─── peer 1 of b
 *                      └─ b, as one that admits ─── site b--c ─── peer 1 of b--c
 */

import { createPublicKey, type KeyObject, X509Certificate } from 'node:crypto'
import type { Clock, Random, SiteCode } from '@atoll/kit'
import { createAuthority, generatePrivateKey, issueCertificate } from './certificate.ts'
import {
  admitterName,
  admitterUri,
  cloudName,
  cloudUri,
  type PeerIdentity,
  peerName,
  peerUri,
  requireNames,
  type SiteIdentity,
  type SubjectName,
  siteName,
  siteUri,
} from './identity.ts'
import type { KeyPair, KeyRing } from './key-ring.ts'
import { chainOfKeys, verifyChain } from './peer-identity.ts'
import { allSiteCodes, oneSiteCode, type SiteCodes, siteCodesOf } from './site-codes.ts'
import { SiteSigner } from './site-signer.ts'
import { defaultValidity, type ValiditySettings, validityFrom, validityOf } from './validity.ts'

export interface IssueOptions {
  readonly clock: Clock
  /** Serial numbers and token secrets come from here: production must give the kernel's generator. */
  readonly random: Random
  readonly validity?: ValiditySettings
}

export interface FoundCloudOptions extends IssueOptions {
  readonly cloudName: string
  readonly siteName: string
  readonly siteCode: SiteCode
  /** False founds a cloud as earlier versions did, where a site's code is its own word. Default: true. */
  readonly certifiesCodes?: boolean
  readonly peerName: string
}

/**
 * Founds a cloud: makes its authority, its first site and the first peer of that. Writes nothing.
 *
 * @throws NameInvalid
 */
export async function foundCloud(options: FoundCloudOptions): Promise<KeyRing> {
  const { cloudName: cloud, siteName: site, siteCode: code, peerName: peer, clock, random } = options
  requireNames({ cloud, site, peer })
  const { clockSkewMsMax, cloudLifeMs } = options.validity ?? defaultValidity
  const cloudAuthority = await createAuthority({
    subject: cloudName({ cloud }),
    uri: cloudUri({ cloud }),
    ...(options.certifiesCodes === false ? { pathLength: 1 } : { pathLength: 2, siteCodes: allSiteCodes }),
    validity: validityFrom({ nowMs: clock.nowMs(), lifeMs: cloudLifeMs, clockSkewMsMax }),
    random,
  })
  const siteKey = generatePrivateKey()
  const siteCertificate = await issueSite({
    ...options,
    issuer: cloudAuthority,
    identity: { cloud, site },
    code,
    publicKey: createPublicKey(siteKey),
  })
  const siteAuthority = { certificate: siteCertificate, privateKey: siteKey }
  return {
    cloudAuthority,
    site: siteAuthority,
    peer: await createPeer({ ...options, site: siteAuthority, identity: { cloud, site, peer } }),
    signingKey: SiteSigner.generate().privateKey,
  }
}

/** Certifies a site, by the cloud authority or a site that may admit others. PEM. */
export function issueSite(
  options: IssueOptions & {
    readonly issuer: KeyPair
    readonly identity: SiteIdentity
    /** Left out of the certificate where the cloud authority certifies none. */
    readonly code: SiteCode
    readonly publicKey: KeyObject
    /** Default: the one of its name, which is the only one that others accept. */
    readonly subject?: SubjectName
  },
): Promise<string> {
  const { issuer, identity, code, publicKey, random } = options
  const parsed = new X509Certificate(issuer.certificate)
  return issueCertificate({
    issuer,
    publicKey,
    subject: options.subject ?? siteName(identity),
    uri: siteUri(identity),
    pathLength: 0,
    siteCodes: siteCodesOf(parsed) && oneSiteCode(code),
    validity: validityOfSite(options, parsed),
    random,
  })
}

/**
 * Lets a site admit others, under names and codes of its own. Only the holder of the cloud authority's key can, and only of a
 * cloud that certifies codes. PEM.
 */
export function issueAdmitter(
  options: IssueOptions & {
    readonly cloudAuthority: KeyPair
    readonly identity: SiteIdentity
    readonly codes: SiteCodes
    readonly publicKey: KeyObject
  },
): Promise<string> {
  const { cloudAuthority, identity, codes, publicKey, random } = options
  return issueCertificate({
    issuer: cloudAuthority,
    publicKey,
    subject: admitterName(identity),
    uri: admitterUri(identity),
    pathLength: 1,
    siteCodes: codes,
    namesBelow: admitterName(identity),
    validity: validityOfSite(options, new X509Certificate(cloudAuthority.certificate)),
    random,
  })
}

function validityOfSite({ clock, validity }: IssueOptions, issuer: X509Certificate) {
  const { clockSkewMsMax, siteLifeMs: lifeMs } = validity ?? defaultValidity
  return validityFrom({ nowMs: clock.nowMs(), lifeMs, clockSkewMsMax, issuer: validityOf(issuer) })
}

/** Certifies a peer of a site. PEM. */
export function issuePeer(
  options: IssueOptions & {
    readonly site: KeyPair
    readonly identity: PeerIdentity
    readonly publicKey: KeyObject
  },
): Promise<string> {
  const { site, identity, publicKey, clock, random } = options
  const { clockSkewMsMax, peerLifeMs } = options.validity ?? defaultValidity
  const parsed = new X509Certificate(site.certificate)
  const issuer = validityOf(parsed)
  return issueCertificate({
    issuer: site,
    publicKey,
    subject: peerName(identity),
    uri: peerUri(identity),
    siteCodes: siteCodesOf(parsed),
    validity: validityFrom({ nowMs: clock.nowMs(), lifeMs: peerLifeMs, clockSkewMsMax, issuer }),
    random,
  })
}

/** A new key for a peer of a site, and its certificate. */
export async function createPeer(
  options: IssueOptions & { readonly site: KeyPair; readonly identity: PeerIdentity },
): Promise<KeyPair> {
  const privateKey = generatePrivateKey()
  const certificate = await issuePeer({ ...options, publicKey: createPublicKey(privateKey) })
  return { certificate, privateKey }
}

/**
 * The certificate of a peer with a new term; its key stays, so that the renewal is one file replaced at once.
 * Works for an expired one too: the site is its own authority and needs nobody to come back. PEM.
 */
export function renewPeer(options: IssueOptions & { readonly keys: KeyRing }): Promise<string> {
  const { keys } = options
  const cloudAuthority = new X509Certificate(keys.cloudAuthority.certificate)
  const { identity } = verifyChain(chainOfKeys(keys), { cloudAuthority, nowMs: undefined })
  const publicKey = createPublicKey(keys.peer.privateKey)
  return issuePeer({ ...options, site: keys.site, identity, publicKey })
}
