/** Renews the certificate of this peer in time, by the site's own authority: nobody else is needed for it. */

import { X509Certificate } from 'node:crypto'
import { type Logger, Reconciler, type Service, systemClock, systemRandom } from '@atoll/kit'
import { isRenewalDue, type KeyStore, renewPeer, validityOf } from '@atoll/overlay'

/** Far below the third of a certificate's life that is left when its renewal is due. */
const INTERVAL_MS = 60 * 60 * 1000

export function renewalOf(options: {
  readonly keys: KeyStore
  readonly log: Logger
  readonly onRenewed: () => void
}): Service {
  const { keys, log, onRenewed } = options
  return new Reconciler({
    name: 'renewal of the peer certificate',
    clock: systemClock,
    log,
    intervalMs: INTERVAL_MS,
    pass: async () => {
      const validity = validityOf(new X509Certificate(keys.keys.peer.certificate))
      if (!isRenewalDue(validity, systemClock.nowMs())) return
      await keys.replacePeerCertificate(
        await renewPeer({ clock: systemClock, random: systemRandom, keys: keys.keys }),
      )
      onRenewed()
      log.info({}, 'the certificate of this peer was renewed')
    },
  })
}
