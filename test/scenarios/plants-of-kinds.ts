/** Planted bugs that only one kind of scenario can find; see `plants.ts`. */

import { Readable } from 'node:stream'
import type { PeerResponse } from '@atoll/overlay'
import type { Plant } from './plants.ts'

/** After so much silence the bug shows: longer than any fault of a site alone. */
const SILENCE_MS = 20_000

/** A follower that hears from a site again after a long silence goes on at the end of its feed: it skips what it missed. */
export const skippedFeed: Plant = {
  wrapTransport: (transport, { clock }) => {
    const heardMs = new Map<string, number>()
    return {
      roundTripMs: (site) => transport.roundTripMs(site),
      timeoutFor: (site, workMs) => transport.timeoutFor(site, workMs),
      close: () => transport.close(),
      request: async (request) => {
        const response = await transport.request(request)
        if (!request.path.startsWith('/peer/v1/feed?')) return response
        const nowMs = clock.monotonicMs()
        const isBack = nowMs - (heardMs.get(request.site) ?? nowMs) > SILENCE_MS
        heardMs.set(request.site, nowMs)
        return isBack ? withoutEntries(response) : response
      },
    }
  },
}

async function withoutEntries({ body, ...response }: PeerResponse): Promise<PeerResponse> {
  const chunks: Buffer[] = []
  for await (const chunk of body) chunks.push(chunk as Buffer)
  const page = JSON.parse(Buffer.concat(chunks).toString()) as object
  return { ...response, body: Readable.from([Buffer.from(JSON.stringify({ ...page, entries: [] }))]) }
}

/** A workload for which there is no room is offered to sites that sleep, too. */
export const offeredAsleep: Plant = {
  alter: ({ federation: { router, directory, freshness } }) => {
    const elsewhere = router.elsewhere.bind(router)
    router.elsewhere = async (request, writes) => {
      const sleeper = directory.others.find(
        ({ name, standing }) => standing === 'dormant' && freshness.isReachable(name),
      )
      if (!sleeper || writes.kind !== 'workload') return elsewhere(request, writes)
      return router.route(request, { ...writes, availabilityZone: sleeper.name })
    }
  },
}

const PURGE_INTERVAL_MS = 10_000
const KEPT_MS = 24 * 3_600_000

/** What was deleted is forgotten after a day, also by those who must still tell others of it. */
export const earlyPurge: Plant = {
  alter: ({ state }, { clock }) => {
    const purge = async () => {
      await state.transaction(async ({ queries }) => {
        for (const table of ['servers', 'ports'])
          await queries
            .deleteFrom(table)
            .where('deleted_at', '<', clock.nowMs() - KEPT_MS)
            .execute()
      })
      clock.after(PURGE_INTERVAL_MS, () => void purge())
    }
    clock.after(PURGE_INTERVAL_MS, () => void purge())
  },
}

/** An heir takes records over without a new generation, so that nothing fences their former home. */
export const unfencedHeir: Plant = {
  alter: ({ state }) => {
    const attempt = state.attempt.bind(state)
    state.attempt = (work) =>
      attempt((transaction) => {
        const adopt = transaction.adopt.bind(transaction)
        transaction.adopt = async (table, id, options) => {
          const adopted = await adopt(table, id, options)
          if (!adopted) return undefined
          const generation = adopted.generation - options.path.length + 1
          await transaction.queries.updateTable(table.name).set({ generation }).where('id', '=', id).execute()
          return { ...adopted, generation }
        }
        return work(transaction)
      })
  },
}

/** A site is shut out for so long only: longer than its heir needs, less than until it comes back. */
const SHUT_OUT_MS = 15_000

/** Who was retired is heard again after a while. */
export const lapsedRetirement: Plant = {
  alter: ({ federation: { directory } }, { clock }) => {
    const isRevoked = directory.isRevoked.bind(directory)
    const sinceMs = new Map<string, number>()
    directory.isRevoked = (name) => {
      if (!isRevoked(name)) return false
      const nowMs = clock.monotonicMs()
      const heardMs = sinceMs.get(name) ?? nowMs
      sinceMs.set(name, heardMs)
      return nowMs - heardMs < SHUT_OUT_MS
    }
  },
}
