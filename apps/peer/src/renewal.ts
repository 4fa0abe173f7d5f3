/** Renews the certificate of this peer in time, by the site's own authority: nobody else is needed for it. */

import { X509Certificate } from 'node:crypto'
import { type Clock, type Logger, type Random, Reconciler, type Service } from '@atoll/kit'
import { isRenewalDue, type KeyStore, renewPeer, validityOf } from '@atoll/overlay'

/** Far below the third of a certificate's life that is left when its renewal is due. */
const INTERVAL_MS = 60 * 60 * 1000

export interface RenewalOptions {
  readonly keys: KeyStore
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
}

/**
 * Renews the certificate when that is due, or it has expired: a machine that was off for a season does so before it talks to
 * anybody. Answers whether there is a new one.
 */
export async function renewPeerIfDue({ keys, clock, random, log }: RenewalOptions): Promise<boolean> {
  const nowMs = clock.nowMs()
  const { peer, site } = keys.keys
  const present = validityOf(new X509Certificate(peer.certificate))
  const siteEndMs = validityOf(new X509Certificate(site.certificate)).notAfterMs
  // It cannot outlast the site's, whose renewal comes first.
  if (!isRenewalDue(present, nowMs) || present.notAfterMs >= siteEndMs) return false
  await keys.replacePeerCertificate(await renewPeer({ clock, random, keys: keys.keys }))
  log.info({}, 'the certificate of this peer was renewed')
  return true
}

export function renewalOf(options: RenewalOptions & { readonly onRenewed: () => void }): Service {
  const { clock, log, onRenewed } = options
  return new Reconciler({
    name: 'renewal of the peer certificate',
    clock,
    log,
    intervalMs: INTERVAL_MS,
    pass: async () => {
      if (await renewPeerIfDue(options)) onRenewed()
    },
  })
}
