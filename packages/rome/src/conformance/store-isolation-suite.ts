/**
 * Generated concurrent histories through `Store`, as services use it, on whatever is beneath: checked for strict serializability,
 * and their numbers for the order of commits.
 */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { seededRandom } from '@atoll/kit'
import type { Table } from '../schema/define-table.ts'
import type { Store } from '../store.ts'
import { checkHistory } from './isolation/check-history.ts'
import { checkNumbers } from './isolation/check-numbers.ts'
import type { History } from './isolation/history.ts'
import { runHistory } from './isolation/run-history.ts'
import { historyTables, readNumbers, type StoreClientOptions, storeClient } from './isolation/store-client.ts'
import { seedsToRun } from './seeds.ts'

export interface StoreIsolationHarness {
  /** One more client of one store, which is empty at first, with these tables; things may happen to it after that. */
  open(tables: readonly Table[]): Promise<StoreClientOptions>
  /** One to which nothing happens. Both are closed by `close`. */
  openUntroubled(tables: readonly Table[]): Promise<Store>
  close(): Promise<void>
  /** Trouble that runs beside the clients, who go on until it is over. */
  disturb?(): Promise<void>
}

export interface StoreIsolationOptions {
  /** How many histories of each kind of trouble. */
  readonly seeds: number
  readonly clients?: number
  readonly transactionsEach?: number
  readonly skip?: string | false
}

const CLIENTS = 5
const TRANSACTIONS_EACH = 12

/** Called with the seed of the history, once for each. */
export type MakeHarness = (seed: string) => Promise<StoreIsolationHarness>

/** Registers the suite; `troubles` by the words that follow "histories on …". */
export function storeIsolationSuite(
  kind: string,
  troubles: Readonly<Record<string, MakeHarness>>,
  options: StoreIsolationOptions,
): void {
  const { seeds, skip = false } = options
  describe(`histories on ${kind}, through queries,`, { skip }, () => {
    for (const [name, make] of Object.entries(troubles))
      for (const seed of seedsToRun(seeds))
        test(`${name} are strictly serializable, numbered in their order (SEED=${seed})`, async (t) => {
          const harness = await make(seed)
          try {
            const { history, numbers } = await storeHistory(harness, { ...options, seed })
            const outcomes = Map.groupBy(history.executed, ({ outcome }) => outcome)
            const count = (outcome: 'committed' | 'aborted' | 'unknown') => outcomes.get(outcome)?.length ?? 0
            t.diagnostic(
              `SEED=${seed}: ${count('committed')} committed, ${count('aborted')} aborted, ${count('unknown')} unknown`,
            )
            assert.deepEqual(wrongIn(history, numbers), [], `SEED=${seed}`)
            // However many were refused while a server was away.
            const { clients = CLIENTS, transactionsEach = TRANSACTIONS_EACH } = options
            assert.ok(count('committed') > (clients * transactionsEach) / 5, 'hardly anything was committed')
          } finally {
            await harness.close()
          }
        })
  })
}

export function wrongIn(history: History, numbers: ReadonlyMap<string, number>): string[] {
  return [...checkHistory(history), ...checkNumbers(history, numbers)]
}

export interface StoreHistoryOptions extends Omit<StoreIsolationOptions, 'seeds'> {
  readonly seed: string
}

export async function storeHistory(
  harness: StoreIsolationHarness,
  options: StoreHistoryOptions,
): Promise<{ readonly history: History; readonly numbers: ReadonlyMap<string, number> }> {
  const { seed, clients = CLIENTS, transactionsEach = TRANSACTIONS_EACH } = options
  const last = await harness.openUntroubled(historyTables)
  let isOver = harness.disturb === undefined
  const disturbing = harness.disturb?.().finally(() => {
    isOver = true
  })
  // Both end before the servers are stopped, whichever fails.
  const [ran, disturbed] = await Promise.allSettled([
    runHistory({
      random: seededRandom(seed),
      clients,
      transactionsEach,
      isOver: () => isOver,
      open: async () => storeClient(await harness.open(historyTables)),
      openLast: async () => storeClient({ store: last }),
    }),
    disturbing,
  ])
  if (disturbed.status === 'rejected') throw disturbed.reason
  if (ran.status === 'rejected') throw ran.reason
  return { history: ran.value, numbers: await readNumbers(last) }
}
