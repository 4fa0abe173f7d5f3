/** The keys and certificates of a peer, as PEM text. */

export interface Certified {
  /** PEM, one X.509 certificate. */
  readonly certificate: string
}

export interface KeyPair extends Certified {
  /** PEM, PKCS #8. */
  readonly privateKey: string
}

/** What a peer shows and checks on a connection. */
export interface PeerCredentials {
  readonly cloudAuthority: Certified
  readonly site: Certified
  /** Of the site that has admitted this one; none where the cloud authority itself has. Stands between the two. */
  readonly admitter?: Certified
  readonly peer: KeyPair
}

/** Everything that a peer keeps. */
export interface KeyRing extends PeerCredentials {
  /** The private key is only at the founding site, which alone admits and renews sites. */
  readonly cloudAuthority: Certified & { readonly privateKey?: string }
  /** Signs the certificates of this site's peers. */
  readonly site: KeyPair
  /** For the same key: it may admit other sites. All peers of the site have that key already. */
  readonly admits?: Certified
  /** PEM, Ed25519: signs what this site says to users and other sites. Never used in TLS. */
  readonly signingKey: string
}

/** What to show on a connection, from the peer up to the cloud authority or without it. PEM. */
export function shownCertificates({ peer, site, admitter }: PeerCredentials): string {
  return peer.certificate + site.certificate + (admitter?.certificate ?? '')
}

/** Where the transport finds the credentials of the moment; a renewal replaces them. */
export interface CredentialSource {
  readonly keys: PeerCredentials
}
