/**
 * Signatures that cost a few hundred nanoseconds, for thousands of sites: a hash of the text and a secret of the site.
 * Nobody in a simulation can make one for another site, since the secret is in no message; that is all that the
 * protocols rely on. The signatures of production have their own tests.
 */

import type { Signatures } from '@atoll/overlay'

export class SignatureAuthority {
  readonly #secrets = new Map<string, number>()
  readonly #revoked = new Set<string>()
  readonly #salt: number

  constructor(seed: number) {
    this.#salt = Math.imul(seed + 1, 0x9e3779b1) | 0
  }

  /** Admits a site to the cloud. */
  issue(site: string): Signatures {
    this.#secrets.set(site, hash(site, this.#salt))
    return {
      site,
      credential: `credential of ${site}`,
      sign: (text) => this.#signatureOf(site, text) ?? '',
      admit: (name) => this.#secrets.has(name) && !this.#revoked.has(name),
      verify: (name, text, signature) => signature !== '' && this.#signatureOf(name, text) === signature,
    }
  }

  revoke(site: string): void {
    this.#revoked.add(site)
  }

  #signatureOf(site: string, text: string): string | undefined {
    const secret = this.#secrets.get(site)
    if (secret === undefined) return undefined
    return `${hash(text, secret).toString(36)}.${hash(text, secret ^ 0x2545f491).toString(36)}`
  }
}

function hash(text: string, start: number): number {
  let value = start
  for (let index = 0; index < text.length; index++)
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193)
  value ^= value >>> 15
  return Math.imul(value, 0x85ebca6b) >>> 0
}
