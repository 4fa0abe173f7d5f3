/**
 * Signatures for clouds on a `MockNetwork`, where nobody has certificates: hashes with a secret of the site that is in no
 * message, so that nobody can sign for another one, and the same in each run of a seed.
 */

import { createHmac } from 'node:crypto'
import type { Signatures } from '../protocol/signatures.ts'

export interface MockIssueOptions {
  readonly site: string
  /** As that site knows it. */
  readonly isRevoked: (site: string) => boolean
}

export class MockAuthority {
  readonly #sites = new Set<string>()

  /** Admits a site to the cloud, or again after a restart. */
  issue({ site, isRevoked }: MockIssueOptions): Signatures {
    this.#sites.add(site)
    const isMember = (name: string) => this.#sites.has(name) && !isRevoked(name)
    return {
      site,
      credential: `credential of ${site}`,
      sign: (text) => signatureOf(site, text),
      admit: (name, credential) => isMember(name) && credential === `credential of ${name}`,
      verify: (name, text, signature) => isMember(name) && signatureOf(name, text) === signature,
    }
  }
}

function signatureOf(site: string, text: string): string {
  return createHmac('sha256', `secret of ${site}`).update(text).digest('base64url')
}
