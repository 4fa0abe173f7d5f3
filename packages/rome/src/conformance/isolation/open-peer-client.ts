/** Clients of a key/value store to which things happen, each with a peer of its own. */

import type { Clock, Random } from '@atoll/kit'
import type { KeyValueStore } from '../../stores/key-value/key-value-store.ts'
import { Peer } from '../../transaction/peer.ts'
import { type FaultyStoreOptions, faultyStore } from '../faulty-store.ts'
import { type PeerClient, peerClient } from './list-client.ts'

/** Where a history takes place. */
export interface HistoryWorld {
  readonly clock: Clock
  readonly random: Random
  readonly turn?: () => Promise<void>
  readonly defer?: (action: () => void) => void
}

export interface PeerClientOptions {
  readonly world: HistoryWorld
  /** A client of one store. */
  readonly open: () => Promise<KeyValueStore>
}

export async function openPeerClient(
  { world, open }: PeerClientOptions,
  fate: FaultyStoreOptions['fate'] = () => 'fine',
): Promise<PeerClient> {
  const { clock, random, turn, defer } = world
  const store = faultyStore({ store: await open(), fate, ...(turn && { turn }) })
  const peer = new Peer({ store, clock, random, patienceMs: 2_000, ...(defer && { defer }) })
  return peerClient(peer, store.died)
}
