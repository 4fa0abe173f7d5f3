/** The transport to other sites, without those that were shut out: nobody here reaches one by a connection made before. */

import { type PeerTransport, PeerUnreachable } from '@atoll/overlay'
import type { Directory } from './directory.ts'

export function guardTransport(transport: PeerTransport, directory: Directory): PeerTransport {
  return {
    request: async (request) => {
      const { site } = request
      if (directory.isRevoked(site))
        throw PeerUnreachable({ site, reason: 'no_connection', mayHaveBeenDone: false })
      return transport.request(request)
    },
    roundTripMs: (site) => transport.roundTripMs(site),
    timeoutFor: (site, workMs) => transport.timeoutFor(site, workMs),
    close: () => transport.close(),
  }
}
