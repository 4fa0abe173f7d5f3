/** Whether what a site says of its code is certified: then nobody can pass off records that another site has made. */

import { X509Certificate } from 'node:crypto'
import type { SiteCode } from '@atoll/kit'
import { certifiesCodes, type KeyRing, PeerIdentityInvalid, verifySite } from '@atoll/overlay'

/** What was verified is kept: two signatures cost more than the record. */
const VERIFIED_MAX = 10_000
/** Two certificates have less than 2 kB. */
const CERTIFICATES_BYTES_MAX = 8192

/** The part of a record in `sites` that is judged. */
export interface SiteClaim {
  readonly id: string
  readonly code: SiteCode
  readonly certificates?: string | null
}

export class CertifiedCodes {
  readonly #cloudAuthority: X509Certificate | undefined
  readonly #verified = new Map<string, SiteClaim>()

  /** Without a certificate, as in a simulation, nothing is certified. */
  constructor({ cloudAuthority }: Pick<KeyRing, 'cloudAuthority'>) {
    const { certificate } = cloudAuthority
    const parsed = certificate === '' ? undefined : new X509Certificate(certificate)
    this.#cloudAuthority = parsed && certifiesCodes(parsed) ? parsed : undefined
  }

  /** False in a cloud that was founded without: then a code is whose that comes first with it. */
  get areRequired(): boolean {
    return this.#cloudAuthority !== undefined
  }

  /** Whether the certificates in a site's record are for its name and code. Their term is not asked: a code is for good. */
  isRightful(claim: SiteClaim): boolean {
    const cloudAuthority = this.#cloudAuthority
    if (!cloudAuthority) return true
    const { id, code, certificates } = claim
    if (typeof certificates !== 'string' || certificates.length > CERTIFICATES_BYTES_MAX) return false
    const known = this.#verified.get(certificates) ?? verify(certificates, cloudAuthority)
    if (!known) return false
    if (this.#verified.size >= VERIFIED_MAX) this.#verified.clear()
    this.#verified.set(certificates, known)
    return known.id === id && known.code === code
  }
}

/** What a site puts into its record. */
export function certificatesOf({ site, admitter }: Pick<KeyRing, 'site' | 'admitter'>): string | null {
  const text = (site?.certificate ?? '') + (admitter?.certificate ?? '')
  return text === '' ? null : text
}

function verify(certificates: string, cloudAuthority: X509Certificate): SiteClaim | undefined {
  try {
    const [site, admitter] = certificates.split(/(?<=-----END CERTIFICATE-----\s*)(?=-----BEGIN)/)
    const chain = {
      site: new X509Certificate(site ?? ''),
      admitter: admitter === undefined ? undefined : new X509Certificate(admitter),
    }
    const { site: id, code } = verifySite(chain, { cloudAuthority, nowMs: undefined })
    return code === undefined ? undefined : { id, code }
  } catch (error) {
    // Another site sends what it likes: what is no certificate proves nothing.
    if (PeerIdentityInvalid.is(error) || 'code' in Object(error)) return undefined
    throw error
  }
}
