/**
 * Who is at the other end of a connection. X.509 alone cannot say that a site certifies only its own peers, so that
 * is verified here, in one place and synchronously, on top of what TLS has proved.
 */

import { X509Certificate } from 'node:crypto'
import { PeerIdentityInvalid } from './errors.ts'
import { type PeerIdentity, parseCloudUri, parsePeerUri, parseSiteUri, siteName } from './identity.ts'
import type { PeerCredentials } from './key-ring.ts'
import { type Validity, validityOf } from './validity.ts'

/** The part of `tls.TLSSocket` that is read here. */
export interface CertifiedSocket {
  /** True when TLS has verified the chain up to the authority that the socket was given as `ca`. */
  readonly authorized?: boolean
  readonly authorizationError?: unknown
  getPeerX509Certificate(): X509Certificate | undefined
}

export interface PeerChain {
  readonly peer: X509Certificate
  readonly site: X509Certificate
}

export interface VerifiedPeer {
  readonly identity: PeerIdentity
  /** When its certificate is valid: a connection that outlives it must be refused. */
  readonly validity: Validity
}

export interface TrustOptions {
  /** The trust anchor: ours, never the one that the other end may have sent. */
  readonly cloudAuthority: X509Certificate
  /** The time at which the certificates must be valid; undefined accepts any time (for a renewal). */
  readonly nowMs: number | undefined
}

/**
 * The verified identity of the peer behind a TLS socket or a certificate chain.
 *
 * @throws PeerIdentityInvalid for anything but a peer of a site of this cloud
 */
export function peerIdentityOf(source: CertifiedSocket | PeerChain, trust: TrustOptions): PeerIdentity {
  const verify = 'getPeerX509Certificate' in source ? verifySocket(source, trust) : verifyChain(source, trust)
  return verify.identity
}

/**
 * Verifies the peer behind a socket whose `ca` is the cloud authority. TLS has proved the chain and that the other end
 * holds its key. The certificate between the leaf and the authority is not asked for, since several versions of Node
 * do not tell it on the server's side (https://github.com/nodejs/node/issues/65579): the leaf names its issuer, and
 * the authority gives each site one name and no right to certify another authority.
 *
 * @throws PeerIdentityInvalid
 */
export function verifySocket(socket: CertifiedSocket, { cloudAuthority, nowMs }: TrustOptions): VerifiedPeer {
  const peer = socket.getPeerX509Certificate()
  require(peer, 'it has shown no certificate')
  require(socket.authorized, `TLS does not accept it (${String(socket.authorizationError)})`)
  return verifyLeaf(peer, { cloudAuthority, nowMs })
}

/**
 * What the server of a connection has shown; for a client that does not know the cloud yet.
 *
 * @throws PeerIdentityInvalid when it is not a whole chain
 */
export function shownChain(
  socket: CertifiedSocket,
): PeerChain & { readonly cloudAuthority: X509Certificate } {
  const peer = socket.getPeerX509Certificate()
  const site = peer?.issuerCertificate
  const cloudAuthority = site?.issuerCertificate
  require(peer && site && cloudAuthority, 'it has not shown its whole chain')
  return { peer, site, cloudAuthority }
}

/** The chain of our own peer. */
export function chainOfKeys(keys: PeerCredentials): PeerChain {
  return {
    peer: new X509Certificate(keys.peer.certificate),
    site: new X509Certificate(keys.site.certificate),
  }
}

/**
 * Verifies `cloud authority → site → peer`: signatures, terms, and that the names agree.
 *
 * @throws PeerIdentityInvalid
 */
export function verifyChain({ peer, site }: PeerChain, trust: TrustOptions): VerifiedPeer {
  const issuer = verifySite(site, trust)
  require(isIssuedBy(peer, site), 'it was not issued by the site beside it')
  const verified = verifyLeaf(peer, trust)
  require(verified.identity.site === issuer.site, 'a site has certified a peer that is not its own')
  return verified
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
  require(site.subject === distinguishedName(siteName(identity)), 'the two names of the site differ')
  return identity
}

/** Verifies that a certificate can be the trust anchor of a cloud. @throws PeerIdentityInvalid */
export function verifyCloudAuthority(certificate: X509Certificate) {
  require(certificate.ca && isIssuedBy(certificate, certificate), 'the cloud authority has not signed itself')
  const identity = parseCloudUri(uriOf(certificate))
  require(identity, 'the name of the cloud authority is not one of a cloud')
  return identity
}

/** What a leaf says of itself. Callers have verified who signed it. */
function verifyLeaf(peer: X509Certificate, { cloudAuthority, nowMs }: TrustOptions): VerifiedPeer {
  const { cloud } = verifyCloudAuthority(cloudAuthority)
  require(!peer.ca, 'it is one of an authority')
  requireTerm(peer, nowMs, 'the peer')
  const identity = parsePeerUri(uriOf(peer))
  require(identity, 'its name is not one of a peer')
  require(identity.cloud === cloud, 'it is of another cloud')
  const issuer = distinguishedName(siteName(identity))
  require(peer.issuer === issuer, 'a site has certified a peer that is not its own')
  return { identity, validity: validityOf(peer) }
}

/** As `X509Certificate` writes a name: one attribute a line. Ours hold no character that would be escaped. */
function distinguishedName(name: Readonly<Record<string, string>>): string {
  return Object.entries(name)
    .map(([attribute, value]) => `${attribute}=${value}`)
    .join('\n')
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
