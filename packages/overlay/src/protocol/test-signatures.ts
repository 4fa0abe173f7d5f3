/** Signatures for tests: real keys, and a cloud that admits by name. */

import { createPublicKey, type KeyObject } from 'node:crypto'
import { SiteSigner, verifySignature } from '../trust/site-signer.ts'
import type { Signatures } from './signatures.ts'

export class TestCloud {
  readonly #keys = new Map<string, KeyObject>()
  readonly revoked = new Set<string>()

  admit(site: string): Signatures {
    const signer = SiteSigner.generate()
    this.#keys.set(site, createPublicKey(signer.privateKey))
    return {
      site,
      credential: site,
      sign: (text) => signer.sign(Buffer.from(text)).toString('base64url'),
      admit: (name, credential) => name === credential && this.#keys.has(name) && !this.revoked.has(name),
      verify: (name, text, signature) => {
        const key = this.#keys.get(name)
        return (
          key !== undefined && verifySignature(key, Buffer.from(text), Buffer.from(signature, 'base64url'))
        )
      },
    }
  }
}
