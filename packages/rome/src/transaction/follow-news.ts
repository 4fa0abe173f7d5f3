/** Keeps a peer's cache warm, and its listeners told, while the peer itself asks for nothing. */

import { type Clock, sleep } from '@atoll/kit'
import type { KeyValueStore } from '../stores/key-value/key-value-store.ts'
import type { Cache } from './cache.ts'
import type { Looks } from './looks.ts'

export interface FollowNewsOptions {
  readonly store: KeyValueStore
  readonly cache: Cache
  readonly looks: Looks
  readonly clock: Clock
  readonly signal: AbortSignal
}

/** In which most of a peer's own commits are answered: their news need no question of its own. */
const SETTLE_MS = 5
const PAUSE_MS = 100
const PAUSE_MS_MAX = 5_000

/** Resolves when `signal` aborts. */
export async function followNews({ store, cache, looks, clock, signal }: FollowNewsOptions): Promise<void> {
  let pauseMs = PAUSE_MS
  while (!signal.aborted) {
    try {
      if (cache.position === null) await looks.look()
      const { position } = cache
      if (position !== null) await store.watch(position, signal)
      await sleep(clock, SETTLE_MS, signal)
      if (signal.aborted) return
      if (cache.position === position) await looks.look()
      pauseMs = PAUSE_MS
    } catch {
      // Whoever asks for something hears of it; here it is enough to come back later.
      await sleep(clock, pauseMs, signal)
      pauseMs = Math.min(2 * pauseMs, PAUSE_MS_MAX)
    }
  }
}
