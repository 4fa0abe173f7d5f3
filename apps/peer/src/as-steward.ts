/** For what one peer of a site should do: a service that runs only while this one is the steward. */

import type { Service } from '@atoll/kit'
import type { SitePeers } from './site-peers.ts'

/** Two peers may take themselves for the steward for a while, so `service` must do no harm when it runs twice. */
export function asSteward(service: Service, peers: Pick<SitePeers, 'isSteward' | 'onChange'>): Service {
  return {
    name: service.name,
    run: async (signal) => {
      while (!signal.aborted) {
        const turn = new AbortController()
        const changed = Promise.withResolvers<void>()
        const look = () => {
          if (peers.isSteward() && !signal.aborted) return
          turn.abort()
        }
        const stopListening = peers.onChange(() => {
          look()
          changed.resolve()
        })
        const end = () => {
          turn.abort()
          changed.resolve()
        }
        signal.addEventListener('abort', end, { once: true })
        try {
          if (peers.isSteward()) await service.run(turn.signal)
          else await changed.promise
        } finally {
          stopListening()
          signal.removeEventListener('abort', end)
        }
      }
    },
  }
}
