/**
 * Who is at the other end of a connection. TLS has proved that the other end holds the private key of its
 * certificate; everything else is verified here, in one place and synchronously, because X.509 itself cannot say
 * that a site certifies only its own peers.
 */

import { X509Certificate } from 'node:crypto'
import { PeerIdentityInvalid } from './errors.ts'
import { type PeerIdentity, parseCloudUri, parsePeerUri, parseSiteUri } from './identity.ts'
import type { PeerCredentials } from './key-ring.ts'
import { type Validity, validityOf } from './validity.ts'

/** The part of `tls.TLSSocket` that is read here. */
export interface CertifiedSocket {
  getPeerX509Certificate(): X509Certificate | undefined
}

export interface PeerChain {
  readonly peer: X509Certificate
  readonly site: X509Certificate
}

export interface VerifiedPeer {
  readonly identity: PeerIdentity
  /** When both certificates are valid: a connection that outlives it must be checked again. */
  readonly validity: Validity
}

export interface TrustOptions {
  /** The trust anchor: ours, never the one that the other end may have sent. */
  readonly cloudAuthority: X509Certificate
  /** The time at which the chain must be valid; undefined accepts any time (for a renewal). */
  readonly nowMs: number | undefined
}

/**
 * The verified identity of the peer behind a TLS socket or a certificate chain.
 *
 * @throws PeerIdentityInvalid for anything but a leaf of a site of this cloud
 */
export function peerIdentityOf(source: CertifiedSocket | PeerChain, trust: TrustOptions): PeerIdentity {
  const chain = 'getPeerX509Certificate' in source ? chainOfSocket(source) : source
  return verifyChain(chain, trust).identity
}

/** The chain that the other end has shown. @throws PeerIdentityInvalid when it has shown none */
export function chainOfSocket(socket: CertifiedSocket): PeerChain {
  const peer = socket.getPeerX509Certificate()
  if (!peer) throw PeerIdentityInvalid({ reason: 'it has shown no certificate' })
  const site = peer.issuerCertificate
  if (!site) throw PeerIdentityInvalid({ reason: 'it has not shown the certificate of its site' })
  return { peer, site }
}

/** The chain of our own peer. */
export function chainOfKeys(keys: PeerCredentials): PeerChain {
  return {
    peer: new X509Certificate(keys.peer.certificate),
    site: new X509Certificate(keys.site.certificate),
  }
}

/**
 * Verifies `cloud authority → site → peer`: signatures, terms, usages, and that the three names agree.
 *
 * @throws PeerIdentityInvalid
 */
export function verifyChain(
  { peer, site }: PeerChain,
  { cloudAuthority, nowMs }: TrustOptions,
): VerifiedPeer {
  const { cloud, site: siteName } = verifySite(site, { cloudAuthority, nowMs })
  require(isIssuedBy(peer, site), 'the certificate of the peer was not issued by its site')
  require(!peer.ca, 'the certificate of the peer is one of an authority')
  requireTerm(peer, nowMs, 'the peer')
  const identity = parsePeerUri(uriOf(peer))
  require(identity, 'the name in the certificate of the peer is not one of a peer')
  require(identity.cloud === cloud &&
    identity.site === siteName, 'a site has certified a peer that is not its own')
  const [peerTerm, siteTerm] = [validityOf(peer), validityOf(site)]
  return {
    identity,
    validity: {
      notBeforeMs: Math.max(peerTerm.notBeforeMs, siteTerm.notBeforeMs),
      notAfterMs: Math.min(peerTerm.notAfterMs, siteTerm.notAfterMs),
    },
  }
}

/**
 * Verifies `cloud authority → site`.
 *
 * @throws PeerIdentityInvalid
 */
export function verifySite(site: X509Certificate, { cloudAuthority, nowMs }: TrustOptions) {
  require(isIssuedBy(site, cloudAuthority), 'the certificate of the site was not issued by this cloud')
  require(site.ca, 'the certificate of the site is not one of an authority')
  requireTerm(site, nowMs, 'the site')
  const identity = parseSiteUri(uriOf(site))
  require(identity, 'the name in the certificate of the site is not one of a site')
  const { cloud } = verifyCloudAuthority(cloudAuthority)
  require(identity.cloud === cloud, 'the site is of another cloud')
  return identity
}

/** Verifies that a certificate can be the trust anchor of a cloud. @throws PeerIdentityInvalid */
export function verifyCloudAuthority(certificate: X509Certificate) {
  require(certificate.ca && isIssuedBy(certificate, certificate), 'the cloud authority has not signed itself')
  const identity = parseCloudUri(uriOf(certificate))
  require(identity, 'the name of the cloud authority is not one of a cloud')
  return identity
}

/** Both names and signature: Node links the certificates that a peer sent by name only. */
function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey)
}

function requireTerm(certificate: X509Certificate, nowMs: number | undefined, whose: string): void {
  if (nowMs === undefined) return
  const { notBeforeMs, notAfterMs } = validityOf(certificate)
  require(nowMs >= notBeforeMs, `the certificate of ${whose} is not valid yet; compare the clocks`)
  require(nowMs <= notAfterMs, `the certificate of ${whose} has expired`)
}

/** Its one URI; empty when it has none, several, or names of other kinds beside it. */
function uriOf(certificate: X509Certificate): string {
  const names = certificate.subjectAltName ?? ''
  // OpenSSL separates names by ", ", and Node quotes whatever could be taken for that: both fail to parse later.
  return names.startsWith('URI:') ? names.slice('URI:'.length) : ''
}

function require(condition: unknown, reason: string): asserts condition {
  if (!condition) throw PeerIdentityInvalid({ reason })
}
