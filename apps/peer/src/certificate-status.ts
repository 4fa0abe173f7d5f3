/** What an operator wants to know of the certificates of a peer: when they end, since each is renewed long before. */

import { X509Certificate } from 'node:crypto'
import { type KeyRing, validityOf } from '@atoll/overlay'

export interface CertificateStatus {
  /** When the certificate of this peer ends. ISO 8601, as below. */
  readonly peerEndsAt: string
  readonly siteEndsAt: string
  /** What the names of sites begin with that join here; null where none can. */
  readonly admitsUnder: string | null
}

/** Null where there are no certificates, as in a simulation. */
export function certificateStatusOf(
  { peer, site }: Partial<Pick<KeyRing, 'peer' | 'site'>>,
  admitsUnder: string | null,
): CertificateStatus | null {
  if (!peer?.certificate || !site?.certificate) return null
  return { peerEndsAt: endOf(peer.certificate), siteEndsAt: endOf(site.certificate), admitsUnder }
}

function endOf(certificate: string): string {
  return new Date(validityOf(new X509Certificate(certificate)).notAfterMs).toISOString()
}
