/** The keys of a simulated site: its signing key comes from the seed, so that tokens are the same in each run. */

import { createPrivateKey } from 'node:crypto'
import type { Random } from '@atoll/kit'
import type { KeyRing } from '@atoll/overlay'

/** PKCS #8 of an Ed25519 key, up to its 32 bytes (RFC 8410 section 7). */
const PKCS8_HEAD = Buffer.from('302e020100300506032b657004220420', 'hex')

/** Certificates are left out: the simulated network knows who sends what. */
export function simulatedKeys(random: Random, { isFounder }: { readonly isFounder: boolean }): KeyRing {
  const der = Buffer.concat([PKCS8_HEAD, random.bytes(32)])
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  const none = { certificate: '', privateKey: '' }
  return {
    cloudAuthority: isFounder ? none : { certificate: '' },
    site: none,
    peer: none,
    signingKey: key.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
}
