/**
 * The chain of trust: the cloud authority certifies sites, a site certifies its own peers.
 *
 *     cloud authority ── site a ── peer 1 of a
 *                     │         └─ peer 2 of a
 *                     └─ site b ── peer 1 of b
 */

import { createPublicKey, type KeyObject, X509Certificate } from 'node:crypto'
import type { Clock, Random } from '@atoll/kit'
import { createAuthority, generatePrivateKey, issueCertificate } from './certificate.ts'
import {
  cloudName,
  cloudUri,
  type PeerIdentity,
  peerName,
  peerUri,
  requireNames,
  type SiteIdentity,
  siteName,
  siteUri,
} from './identity.ts'
import type { KeyPair, KeyRing } from './key-ring.ts'
import { chainOfKeys, verifyChain } from './peer-identity.ts'
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
  readonly peerName: string
}

/**
 * Founds a cloud: makes its authority, its first site and the first peer of that. Writes nothing.
 *
 * @throws NameInvalid
 */
export async function foundCloud(options: FoundCloudOptions): Promise<KeyRing> {
  const { cloudName: cloud, siteName: site, peerName: peer, clock, random } = options
  requireNames({ cloud, site, peer })
  const { clockSkewMsMax, cloudLifeMs } = options.validity ?? defaultValidity
  const cloudAuthority = await createAuthority({
    subject: cloudName({ cloud }),
    uri: cloudUri({ cloud }),
    pathLength: 1,
    validity: validityFrom({ nowMs: clock.nowMs(), lifeMs: cloudLifeMs, clockSkewMsMax }),
    random,
  })
  const siteKey = generatePrivateKey()
  const siteCertificate = await issueSite({
    ...options,
    cloudAuthority,
    identity: { cloud, site },
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

/** Certifies a site. Only the holder of the cloud authority's key can. PEM. */
export function issueSite(
  options: IssueOptions & {
    readonly cloudAuthority: KeyPair
    readonly identity: SiteIdentity
    readonly publicKey: KeyObject
  },
): Promise<string> {
  const { cloudAuthority, identity, publicKey, clock, random } = options
  const { clockSkewMsMax, siteLifeMs } = options.validity ?? defaultValidity
  const issuer = validityOf(new X509Certificate(cloudAuthority.certificate))
  return issueCertificate({
    issuer: cloudAuthority,
    publicKey,
    subject: siteName(identity),
    uri: siteUri(identity),
    pathLength: 0,
    validity: validityFrom({ nowMs: clock.nowMs(), lifeMs: siteLifeMs, clockSkewMsMax, issuer }),
    random,
  })
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
  const issuer = validityOf(new X509Certificate(site.certificate))
  return issueCertificate({
    issuer: site,
    publicKey,
    subject: peerName(identity),
    uri: peerUri(identity),
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
