/**
 * Signatures of the overlay with the keys of a site. A descriptor brings along what others need to verify its site, so
 * that nobody has to be asked about a site that is new:
 *
 *     credential = { certificate, admitter?, signingKey, binding }
 *       certificate   of the site, issued by the cloud (X.509)
 *       admitter      of the site that has admitted it, which then stands between the two
 *       signingKey    Ed25519, with which the site signs what it says
 *       binding       signature of the certificate's key over the name and the signing key
 */

import {
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  sign as signBytes,
  verify as verifyBytes,
  X509Certificate,
} from 'node:crypto'
import type { Clock } from '@atoll/kit'
import type { Signatures } from '../protocol/signatures.ts'
import type { KeyRing } from './key-ring.ts'
import { verifySite } from './peer-identity.ts'
import { publicKeyFromJwk, SiteSigner, verifySignature } from './site-signer.ts'

export interface OverlaySignaturesOptions {
  readonly site: string
  /** Of the moment: a renewal replaces the certificate of the site. */
  readonly keys: () => Pick<KeyRing, 'cloudAuthority' | 'site' | 'admitter' | 'signingKey'>
  readonly clock: Clock
  /** True for a site that was shut out. */
  readonly isRevoked: (site: string) => boolean
}

interface Known {
  readonly credential: string
  readonly key: KeyObject
}

/** Keys that are remembered; a cloud has fewer sites. */
const KNOWN_MAX = 20_000

export class OverlaySignatures implements Signatures {
  readonly site: string
  readonly #options: OverlaySignaturesOptions
  readonly #signer: SiteSigner
  readonly #cloudAuthority: X509Certificate
  readonly #known = new Map<string, Known>()
  #own: { readonly certificate: string; readonly credential: string }

  constructor(options: OverlaySignaturesOptions) {
    const { site } = options
    const keys = options.keys()
    this.site = site
    this.#options = options
    this.#signer = new SiteSigner(keys.signingKey)
    this.#cloudAuthority = new X509Certificate(keys.cloudAuthority.certificate)
    this.#own = this.#makeCredential()
    this.#known.set(site, { credential: this.credential, key: createPublicKey(keys.signingKey) })
  }

  get credential(): string {
    if (this.#own.certificate !== this.#options.keys().site.certificate) this.#own = this.#makeCredential()
    return this.#own.credential
  }

  #makeCredential(): { readonly certificate: string; readonly credential: string } {
    const { site, admitter } = this.#options.keys()
    const { certificate } = site
    const signingKey = this.#signer.publicKeyJwk.x
    const binding = signBytes('sha256', bindingOf(this.site, signingKey), createPrivateKey(site.privateKey))
    const parts = {
      certificate,
      ...(admitter && { admitter: admitter.certificate }),
      signingKey,
      binding: binding.toString('base64url'),
    }
    return { certificate, credential: JSON.stringify(parts) }
  }

  sign(text: string): string {
    return this.#signer.sign(Buffer.from(text)).toString('base64url')
  }

  admit(site: string, credential: string): boolean {
    if (this.#options.isRevoked(site)) return false
    if (this.#known.get(site)?.credential === credential) return true
    const key = this.#keyOf(site, credential)
    if (!key) return false
    if (this.#known.size >= KNOWN_MAX && !this.#known.has(site)) return false
    this.#known.set(site, { credential, key })
    return true
  }

  verify(site: string, text: string, signature: string): boolean {
    const known = this.#known.get(site)
    if (!known || this.#options.isRevoked(site)) return false
    return verifySignature(known.key, Buffer.from(text), Buffer.from(signature, 'base64url'))
  }

  /** The signing key of `site`, when the cloud vouches for the certificate and its key for the signing key. */
  #keyOf(site: string, credential: string): KeyObject | undefined {
    try {
      const { certificate, admitter, signingKey, binding } = Object(JSON.parse(credential)) as Record<
        string,
        unknown
      >
      if (typeof certificate !== 'string' || typeof signingKey !== 'string' || typeof binding !== 'string')
        return undefined
      const parsed = new X509Certificate(certificate)
      const nowMs = this.#options.clock.nowMs()
      const chain = {
        site: parsed,
        admitter: typeof admitter === 'string' ? new X509Certificate(admitter) : undefined,
      }
      const identity = verifySite(chain, { cloudAuthority: this.#cloudAuthority, nowMs })
      const bytes = bindingOf(site, signingKey)
      const isBound = verifyBytes('sha256', bytes, parsed.publicKey, Buffer.from(binding, 'base64url'))
      if (identity.site !== site || !isBound) return undefined
      return publicKeyFromJwk({ kty: 'OKP', crv: 'Ed25519', x: signingKey })
    } catch {
      // Whatever another site sends that is no credential: it is not believed, and nobody has to hear of it.
      return undefined
    }
  }
}

/** The prefix keeps the signature from being taken for one of anything else that the key signs. */
function bindingOf(site: string, signingKey: string): Buffer {
  return Buffer.from(`atoll overlay signing key\n${site}\n${signingKey}`)
}
