/**
 * Every image of a site is at two of its peers at least: those that rank first for its digest. Each peer brings what it
 * ranks for and lacks, so that a peer that is lost for good leaves nothing at one place only.
 */

import { createHash } from 'node:crypto'
import { images as imageTable } from '@atoll/image'
import type { ImageStore } from '@atoll/images'
import { type Clock, type Logger, Reconciler, type Service } from '@atoll/kit'
import { cloudScope, type State } from '@atoll/state'
import type { Siblings } from './siblings.ts'
import type { SitePeers } from './site-peers.ts'

const scope = cloudScope('copies of images')
const INTERVAL_MS = 60_000
const COPIES = 2

/** All of `peers` in the order in which they should have the bytes of this digest (rendezvous hashing: Thaler and Ravishankar, 1998). */
export function rankPeers(digest: string, peers: readonly string[]): readonly string[] {
  const weightOf = (peer: string) => createHash('sha256').update(`${digest} ${peer}`).digest('hex')
  const weights = new Map(peers.map((peer) => [peer, weightOf(peer)]))
  return [...peers].sort((left, right) => ((weights.get(left) ?? '') < (weights.get(right) ?? '') ? 1 : -1))
}

export interface KeepCopiesOptions {
  readonly state: State
  readonly images: ImageStore
  readonly siblings: Siblings
  readonly peers: SitePeers
  readonly selfName: string
  readonly clock: Clock
  readonly log: Logger
}

export function createCopyKeeper(options: KeepCopiesOptions): Service {
  const { state, images, siblings, peers, selfName, clock, log } = options
  /** Nothing takes these away but the garbage collection, when no record names them any more. */
  const kept = new Set<string>()
  const pass = async (signal: AbortSignal) => {
    const alive = [selfName, ...peers.others().map(({ name }) => name)]
    const wanted = await digestsOf(state)
    for (const digest of kept) if (!wanted.has(digest)) kept.delete(digest)
    for (const digest of wanted) {
      if (signal.aborted) return
      if (kept.has(digest) || !rankPeers(digest, alive).slice(0, COPIES).includes(selfName)) continue
      try {
        await images.fetch(digest, siblings.chunks, { signal })
        kept.add(digest)
      } catch (error) {
        log.warn({ digest, err: error }, 'an image of this site cannot be copied here')
      }
    }
  }
  const reconciler = new Reconciler({ name: 'keeper of copies', clock, log, intervalMs: INTERVAL_MS, pass })
  return {
    name: reconciler.name,
    run: async (signal) => {
      const stop = peers.onChange(() => reconciler.poke())
      await reconciler.run(signal)
      stop()
    },
  }
}

async function digestsOf(state: State): Promise<ReadonlySet<string>> {
  const rows = await state
    .select(scope, imageTable)
    .select('manifest_digest')
    .distinct()
    .where('home', '=', state.site.name)
    .where('manifest_digest', 'is not', null)
    .execute()
  return new Set(rows.map(({ manifest_digest }) => String(manifest_digest)))
}
