/** The name of stored bytes: their SHA-256 (FIPS 180-4), 64 digits of lower-case hex. */

import { hash } from 'node:crypto'

export type Digest = string & { readonly kind?: 'digest' }

export function digestOf(bytes: Uint8Array): Digest {
  return hash('sha256', bytes, 'hex')
}

/** True for text that can be a digest, and so for text that is safe as the name of a file. */
export function isDigest(text: string): text is Digest {
  return /^[0-9a-f]{64}$/.test(text)
}
