/**
 * Who is at the other end of a connection. X.509 alone cannot say that a site certifies only its own peers, so that
 * is verified here, in one place and synchronously, on top of what TLS has proved.
 */

import { X509Certificate } from 'node:crypto'
import type { SiteCode } from '@atoll/kit'
import { PeerIdentityInvalid } from './errors.ts'
import {
  admitterName,
  admitterOf,
  type PeerIdentity,
  parseAdmitterUri,
  parseCloudUri,
  parsePeerUri,
  parseSiteUri,
  plainSiteName,
  type SiteIdentity,
  type SubjectName,
  siteName,
} from './identity.ts'
import type { PeerCredentials } from './key-ring.ts'
import { isWithin, type SiteCodes, siteCodesOf } from './site-codes.ts'
import { type Validity, validityOf } from './validity.ts'

/** The part of `tls.TLSSocket` that is read here. */
export interface CertifiedSocket {
  /** True when TLS has verified the chain up to the authority that the socket was given as `ca`. */
  readonly authorized?: boolean
  readonly authorizationError?: unknown
  getPeerX509Certificate(): X509Certificate | undefined
}

export interface SiteChain {
  readonly site: X509Certificate
  /** Of the site that has admitted this one, unless the cloud authority itself has. */
  readonly admitter?: X509Certificate | undefined
}

export interface PeerChain extends SiteChain {
  readonly peer: X509Certificate
}

export interface VerifiedSite extends SiteIdentity {
  /** The code that goes into ids which the site mints; undefined in a cloud whose authority certifies none. */
  readonly code: SiteCode | undefined
}

export interface VerifiedPeer {
  readonly identity: PeerIdentity
  /** Of its site. See `VerifiedSite`. */
  readonly code: SiteCode | undefined
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
 * do not tell it on the server's side (https://github.com/nodejs/node/issues/65579): the leaf names its issuer, the authority gives
 * each site one name and no right to certify another authority, and who admits sites is bound to names and codes of its own
 * by constraints that OpenSSL has checked.
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
  const above = site?.issuerCertificate
  require(peer && site && above, 'it has not shown its whole chain')
  if (parseCloudUri(uriOf(above))) return { peer, site, cloudAuthority: above }
  const cloudAuthority = above.issuerCertificate
  require(cloudAuthority, 'it has not shown its whole chain')
  return { peer, site, admitter: above, cloudAuthority }
}

/** The chain of our own peer. */
export function chainOfKeys(keys: PeerCredentials): PeerChain {
  return { peer: new X509Certificate(keys.peer.certificate), ...siteChainOf(keys) }
}

/** The chain of our own site. */
export function siteChainOf({ site, admitter }: Pick<PeerCredentials, 'site' | 'admitter'>): SiteChain {
  return {
    site: new X509Certificate(site.certificate),
    admitter: admitter && new X509Certificate(admitter.certificate),
  }
}

/**
 * Verifies `cloud authority → (who admitted the site →) site → peer`: signatures, terms, codes, and that the names agree.
 *
 * @throws PeerIdentityInvalid
 */
export function verifyChain({ peer, ...chain }: PeerChain, trust: TrustOptions): VerifiedPeer {
  const issuer = verifySite(chain, trust)
  require(isIssuedBy(peer, chain.site), 'it was not issued by the site beside it')
  const verified = verifyLeaf(peer, trust)
  require(verified.identity.site === issuer.site, 'a site has certified a peer that is not its own')
  require(verified.code === issuer.code, 'its code is not the one of its site')
  return verified
}

/**
 * Verifies `cloud authority → (who admitted the site →) site`.
 *
 * @throws PeerIdentityInvalid
 */
export function verifySite({ site, admitter }: SiteChain, trust: TrustOptions): VerifiedSite {
  const { cloudAuthority, nowMs } = trust
  const issuer = admitter ?? cloudAuthority
  require(isIssuedBy(site, issuer), 'the certificate of the site was not issued by this cloud')
  require(site.ca, 'the certificate of the site is not one of an authority')
  requireTerm(site, nowMs, 'the site')
  const identity = parseSiteUri(uriOf(site))
  require(identity, 'the name in the certificate of the site is not one of a site')
  const { cloud } = verifyCloudAuthority(cloudAuthority)
  require(identity.cloud === cloud, 'the site is of another cloud')
  if (admitter) {
    const { site: name } = verifyAdmitter(admitter, trust)
    require(admitterOf(identity.site) ===
      name, 'a site has admitted another under a name that is not its own')
  }
  require(isSubject(site.subject, identity), 'the two names of the site differ')
  return { ...identity, code: codeOf(site, { issuer, cloudAuthority }) }
}

/**
 * Verifies `cloud authority → site that admits others`. Only the cloud authority makes those.
 *
 * @throws PeerIdentityInvalid
 */
export function verifyAdmitter(admitter: X509Certificate, { cloudAuthority, nowMs }: TrustOptions) {
  require(isIssuedBy(admitter, cloudAuthority), 'who admitted the site was not allowed to by this cloud')
  require(admitter.ca, 'the certificate of who admitted the site is not one of an authority')
  requireTerm(admitter, nowMs, 'who admitted the site')
  const identity = parseAdmitterUri(uriOf(admitter))
  require(identity, 'who admitted the site has the name of none that may')
  const { cloud } = verifyCloudAuthority(cloudAuthority)
  require(identity.cloud === cloud, 'who admitted the site is of another cloud')
  require(admitter.subject === distinguishedName(admitterName(identity)), 'the two names of it differ')
  const [codes, all] = [siteCodesOf(admitter), siteCodesOf(cloudAuthority)]
  require(codes && all && isWithin(codes, all), 'who admitted the site has no codes to give')
  return { ...identity, codes }
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
  require(isSubject(peer.issuer, identity), 'a site has certified a peer that is not its own')
  const code = codeOf(peer, { issuer: cloudAuthority, cloudAuthority })
  return { identity, code, validity: validityOf(peer) }
}

/**
 * The one code that a certificate stands for; undefined in a cloud whose authority has none to give.
 * @throws PeerIdentityInvalid when its issuer could not give it
 */
function codeOf(
  certificate: X509Certificate,
  { issuer, cloudAuthority }: { issuer: X509Certificate; cloudAuthority: X509Certificate },
): SiteCode | undefined {
  if (!certifiesCodes(cloudAuthority)) return undefined
  const [codes, outer] = [siteCodesOf(certificate), siteCodesOf(issuer)] as readonly (SiteCodes | undefined)[]
  require(codes && codes.first === codes.last, 'it has no site code')
  require(outer && isWithin(codes, outer), 'its site code is not one that its issuer may give')
  return codes.first
}

/** Whether the codes of sites are certified in this cloud; in one that was founded without, a site says its code itself. */
export function certifiesCodes(cloudAuthority: X509Certificate): boolean {
  return siteCodesOf(cloudAuthority) !== undefined
}

/**
 * A name that looks as if another site had given it may be one that the cloud authority itself has given. Nobody else can
 * make a certificate of the plain form, so that both are as good.
 */
function isSubject(subject: string, identity: SiteIdentity): boolean {
  return [siteName, plainSiteName].some((nameOf) => subject === distinguishedName(nameOf(identity)))
}

/** As `X509Certificate` writes a name: one attribute a line. Ours hold no character that would be escaped. */
function distinguishedName(name: SubjectName): string {
  return name.map(([attribute, value]) => `${attribute}=${value}`).join('\n')
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
