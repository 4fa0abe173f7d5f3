/**
 * Planted bugs: what a defect of production would do, done by the harness around it, to see that the checks find it.
 * Production knows nothing of them.
 */

import { type Clock, fraction, type Random } from '@atoll/kit'
import type { PeerTransport } from '@atoll/overlay'
import type { Peer } from '@atoll/peer'
import type { Life } from '@atoll/simulator'
import { SimulatedDisk, type SimulatedDiskOptions } from './site/simulated-disk.ts'

export interface Plant {
  readonly openDisk?: (options: SimulatedDiskOptions) => SimulatedDisk
  readonly wrapTransport?: (
    transport: PeerTransport,
    world: { clock: Clock; random: Random },
  ) => PeerTransport
  readonly alter?: (peer: Peer, world: { clock: Clock; random: Random }) => void
}

/** Commits are acknowledged before they are durable: a crash loses those of the last moments. */
export const lostCommit: Plant = { openDisk: (options) => new LazyDisk(options) }

const FLUSH_INTERVAL_MS = 1000

class LazyDisk extends SimulatedDisk {
  readonly #clock: Clock
  readonly #path: string
  #flushes = 0
  #flushed = ''

  constructor(options: SimulatedDiskOptions) {
    super(options)
    this.#clock = options.clock
    this.#path = options.path
  }

  override open(life: Life) {
    const store = super.open(life)
    this.#flush(life)
    return store
  }

  override crash(): void {
    this.restore(this.#flushed)
  }

  #flush(life: Life): void {
    if (life.isOver) return
    this.#flushed = `${this.#path}.flushed-${this.#flushes++}`
    this.copyTo(this.#flushed)
    this.#clock.after(FLUSH_INTERVAL_MS, () => this.#flush(life))
  }
}

/** A replica is accepted although its generation is older than that of the row which is there. */
export const noGenerationCheck: Plant = {
  alter: ({ state }) => {
    const { feed } = state
    const apply = feed.apply.bind(feed)
    feed.apply = async (page, hasAuthority) => {
      await state.transaction(async ({ queries }) => {
        for (const { table, row } of page.entries) {
          await queries
            .updateTable(table)
            .set({ home: row.home, generation: Number(row.generation) - 1 })
            .where('id', '=', row.id)
            .where('generation', '>', row.generation)
            .execute()
        }
      })
      return apply(page, hasAuthority)
    }
  },
}

const REPLAY_MS_MAX = 500

/** A forwarded write is sent again although the first one was carried out. */
export const staleForward: Plant = {
  wrapTransport: (transport, { clock, random }) => ({
    roundTripMs: (site) => transport.roundTripMs(site),
    timeoutFor: (site, workMs) => transport.timeoutFor(site, workMs),
    close: () => transport.close(),
    request: async (request) => {
      const response = await transport.request(request)
      const isForwarded = request.headers?.['atoll-hops'] !== undefined && request.method !== 'GET'
      if (isForwarded && Buffer.isBuffer(request.body)) {
        clock.after(REPLAY_MS_MAX * fraction(random), () => {
          transport.request(request).then(
            ({ body }) => body.resume(),
            () => {},
          )
        })
      }
      return response
    },
  }),
}
