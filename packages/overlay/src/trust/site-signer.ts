/**
 * Ed25519 signatures of a site (RFC 8032). Synchronous on purpose: no thread pool reorders them in the simulator,
 * and equal inputs give equal signatures.
 */

import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto'
import { assert } from '@atoll/kit'

/** RFC 8037 §2. */
export interface Ed25519PublicJwk {
  readonly kty: 'OKP'
  readonly crv: 'Ed25519'
  /** The 32 bytes of the public key, base64url. */
  readonly x: string
}

export class SiteSigner {
  /** The thumbprint of the public key: names it in what it signs. */
  readonly keyId: string
  readonly publicKeyJwk: Ed25519PublicJwk
  /** PEM, PKCS #8; to be kept in the key store. */
  readonly privateKey: string
  readonly #key: KeyObject

  /** @param privateKey PEM, PKCS #8, of an Ed25519 key */
  constructor(privateKey: string) {
    this.#key = createPrivateKey(privateKey)
    assert(this.#key.asymmetricKeyType === 'ed25519', 'a site signs with Ed25519')
    this.privateKey = privateKey
    this.publicKeyJwk = publicJwkOf(createPublicKey(this.#key))
    this.keyId = thumbprintOf(this.publicKeyJwk)
  }

  static generate(): SiteSigner {
    const { privateKey } = generateKeyPairSync('ed25519')
    return new SiteSigner(privateKey.export({ type: 'pkcs8', format: 'pem' }).toString())
  }

  /** 64 bytes. */
  sign(bytes: Uint8Array): Buffer {
    return sign(null, bytes, this.#key)
  }
}

/** True when `signature` is of `bytes` by the holder of `publicKey`. Callers keep the key object: parsing costs more. */
export function verifySignature(publicKey: KeyObject, bytes: Uint8Array, signature: Uint8Array): boolean {
  return publicKey.asymmetricKeyType === 'ed25519' && verify(null, bytes, publicKey, signature)
}

/** The key that a JWK from another site describes, or undefined when it is none for Ed25519. */
export function publicKeyFromJwk(jwk: unknown): KeyObject | undefined {
  const { kty, crv, x } = Object(jwk) as Partial<Record<string, unknown>>
  if (kty !== 'OKP' || crv !== 'Ed25519' || typeof x !== 'string') return undefined
  if (!/^[A-Za-z0-9_-]{43}$/.test(x)) return undefined
  return createPublicKey({ key: { kty, crv, x }, format: 'jwk' })
}

/** RFC 7638: SHA-256 of the required members in order of name, base64url, 43 characters. */
export function thumbprintOf({ crv, kty, x }: Ed25519PublicJwk): string {
  return createHash('sha256').update(JSON.stringify({ crv, kty, x })).digest('base64url')
}

function publicJwkOf(key: KeyObject): Ed25519PublicJwk {
  const { x } = key.export({ format: 'jwk' })
  assert(x !== undefined, 'the JWK of an Ed25519 key has x')
  return Object.freeze({ kty: 'OKP', crv: 'Ed25519', x })
}
