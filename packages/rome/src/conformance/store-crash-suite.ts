/**
 * A client dies at each message that its transaction sends, before or after it has arrived. Each time the others must go on at
 * once, see the transaction whole or not at all, and find numbers that rise in the order of commits.
 */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Table } from '../schema/define-table.ts'
import type { Store } from '../store.ts'
import { executePlan, type HistoryClient } from './isolation/execute-plan.ts'
import type { Executed, Step } from './isolation/history.ts'
import { concluded } from './isolation/run-history.ts'
import { historyTables, readNumbers, type StoreClientOptions, storeClient } from './isolation/store-client.ts'
import { wrongIn } from './store-isolation-suite.ts'

export interface MortalStore extends Required<StoreClientOptions> {
  /** From now on its messages are counted. */
  begin(): void
  close(): Promise<void>
}

export interface StoreCrashHarness {
  /** A client of one store that dies at its message number `step`, counted from 0. */
  openMortal(tables: readonly Table[], step: number): Promise<MortalStore>
  /** One that lives. The suite closes it. */
  open(tables: readonly Table[]): Promise<Store>
}

const append = (key: string, value: string): Step => ({ kind: 'append', key, value })
const WHOLE: Step = { kind: 'scan', from: 'a', to: 'g', limit: 6 }

/** Registers the suite; `deaths` by the words that follow "dies". */
export function storeCrashSuite(
  kind: string,
  deaths: Readonly<Record<string, () => Promise<StoreCrashHarness>>>,
  skip: string | false = false,
): void {
  describe(`a client of ${kind} that dies`, { skip }, () => {
    for (const [death, make] of Object.entries(deaths))
      test(`${death} any message leaves nothing half done, and nobody waits for it`, async (t) => {
        const steps = await dieAtEachStep(await make())
        t.diagnostic(`${steps} messages`)
        assert.ok(steps > 2, 'a transaction has several messages')
      })
  })
}

// Answers with how many messages there were to die at.
async function dieAtEachStep({ open, openMortal }: StoreCrashHarness): Promise<number> {
  const survivor = await open(historyTables)
  const executed: Executed[] = []
  let ticks = 0
  const tick = () => ++ticks
  const perform = async (client: HistoryClient, name: string, steps: readonly Step[]) => {
    const plan = { name, steps, manner: 'work', givesUp: false } as const
    const done = await executePlan(client, { plan, tick })
    executed.push(done)
    return done.outcome
  }
  try {
    const living = storeClient({ store: survivor })
    for (let step = 0; ; step++) {
      const mortal = await openMortal(historyTables, step)
      const dying = storeClient(mortal)
      // Its session and its statements are there before the messages that count.
      assert.equal(await perform(dying, `w${step}`, doing(`w${step}`)), 'committed')
      mortal.begin()
      const outcome = await perform(dying, `m${step}`, doing(`m${step}`))
      assert.equal(await perform(living, `s${step}`, [WHOLE, ...doing(`s${step}`)]), 'committed')
      await mortal.close()
      if (outcome === 'unknown') continue
      assert.equal(outcome, 'committed')
      const history = await concluded(living, { executed, tick })
      assert.deepEqual(wrongIn(history, await readNumbers(survivor)), [])
      return step
    }
  } finally {
    await survivor.close()
  }
}

/** Several rows, an index out of which an entry goes, and two numbers. */
function doing(name: string): readonly Step[] {
  return [append('a', `${name}.1`), { kind: 'read', key: 'c' }, append('b', `${name}.2`)]
}
