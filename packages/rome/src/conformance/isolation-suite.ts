/** Generated concurrent histories over any key/value store, with requests lost and clients killed, checked for strict serializability. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { pick, type Random, seededRandom, systemClock } from '@atoll/kit'
import type { KeyValueStore } from '../stores/key-value/key-value-store.ts'
import type { Fate } from './faulty-store.ts'
import { checkHistory } from './isolation/check-history.ts'
import type { History } from './isolation/history.ts'
import type { PeerClient } from './isolation/list-client.ts'
import { openPeerClient, type PeerClientOptions } from './isolation/open-peer-client.ts'
import { runHistory } from './isolation/run-history.ts'
import { SteppedWorld } from './isolation/stepped-world.ts'
import { seedsToRun } from './seeds.ts'

export interface IsolationHarness {
  /** One more client of one store, which is empty at first. */
  open(): Promise<KeyValueStore>
  /** Closes what was opened, whether its user is alive or not. */
  close(): Promise<void>
}

export interface IsolationOptions {
  /** One history for each, and kind of trouble. */
  readonly seeds: number
  /** Whether the store answers from memory, so that one seed is one run; otherwise time passes by itself. */
  readonly isStepped: boolean
  readonly clients?: number
  readonly transactionsEach?: number
  readonly skip?: string | false
}

/** What happens to each call. */
const TROUBLE: Readonly<Record<string, (random: Random) => Fate>> = {
  'without trouble': () => 'fine',
  'with requests and answers lost': (random) =>
    random.below(8) === 0 ? pick(random, ['refused', 'lost', 'answer lost', 'late'] as const) : 'fine',
  'with clients killed': (random) =>
    random.below(20) === 0 ? pick(random, ['dies before', 'dies after'] as const) : 'fine',
}

/** Registers the suite. `make` is called once for each history. */
export function isolationSuite(
  kind: string,
  make: () => Promise<IsolationHarness>,
  options: IsolationOptions,
): void {
  const { seeds, skip = false } = options
  describe(`histories on ${kind}`, { skip }, () => {
    for (const [name, fate] of Object.entries(TROUBLE))
      for (const seed of seedsToRun(seeds))
        test(`${name} are strictly serializable (SEED=${seed})`, async () => {
          const harness = await make()
          try {
            const history = await historyOf(harness, { ...options, seed, fate })
            assert.deepEqual(checkHistory(history), [], `SEED=${seed}`)
            const committed = history.executed.filter(({ outcome }) => outcome === 'committed').length
            assert.ok(committed > history.executed.length / 5, 'hardly anything was committed')
          } finally {
            await harness.close()
          }
        })
  })
}

export interface HistoryOptions extends Omit<IsolationOptions, 'seeds'> {
  readonly seed: string
  readonly fate: (random: Random) => Fate
}

export async function historyOf({ open }: IsolationHarness, options: HistoryOptions): Promise<History> {
  const { seed, isStepped } = options
  if (!isStepped) return run({ world: { clock: systemClock, random: seededRandom(seed) }, open }, options)
  const world = new SteppedWorld(seed)
  return world.run(run({ world, open }, options))
}

async function run(where: PeerClientOptions, options: HistoryOptions): Promise<History> {
  const { fate, clients = 5, transactionsEach = 12 } = options
  const { random } = where.world
  const last = { client: undefined as PeerClient | undefined }
  const history = await runHistory({
    random,
    clients,
    transactionsEach,
    open: () => openPeerClient(where, () => fate(random)),
    openLast: async () => (last.client = await openPeerClient(where)),
  })
  await last.client?.peer.close()
  return history
}
