/** The keys that verify tokens: this site's own, and those that the other sites publish in their records. */

import type { KeyObject } from 'node:crypto'
import type { Directory } from '@atoll/federation'
import type { TokenKeys } from '@atoll/identity'
import { publicKeyFromJwk, type SiteSigner } from '@atoll/overlay'

export function siteTokenKeys(signer: SiteSigner, directory: Directory): TokenKeys {
  let bySite = readKeys(directory)
  directory.onChange(() => {
    bySite = readKeys(directory, bySite)
  })
  return {
    kid: signer.keyId,
    sign: (bytes) => signer.sign(bytes),
    publicKeyOf: (kid) => bySite.get(kid)?.key,
    siteOf: (kid) => bySite.get(kid)?.site,
  }
}

interface SiteKey {
  readonly site: string
  readonly key: KeyObject
}

// A key that is known already keeps its object: parsing one costs more than verifying with it.
function readKeys(
  directory: Directory,
  known: ReadonlyMap<string, SiteKey> = new Map(),
): Map<string, SiteKey> {
  const keys = new Map<string, SiteKey>()
  for (const { name: site, signingKey, signingKeyId } of directory.all) {
    if (directory.isRevoked(site)) continue
    const current = known.get(signingKeyId)
    const key = current?.site === site ? current.key : publicKeyFromJwk(signingKey)
    if (key) keys.set(signingKeyId, { site, key })
  }
  return keys
}
