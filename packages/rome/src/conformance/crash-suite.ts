/**
 * A client dies at every step there is: before and after each of its calls of the store, and at each step inside of one where a
 * store has several. Each time the others must go on at once, see each of its transactions whole or not at all, and miss
 * nothing that it was told to be durable.
 */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { seededRandom, systemClock } from '@atoll/kit'
import type { KeyValueStore } from '../stores/key-value/key-value-store.ts'
import { Peer } from '../transaction/peer.ts'
import { faultyStore } from './faulty-store.ts'
import { checkHistory } from './isolation/check-history.ts'
import { executePlan } from './isolation/execute-plan.ts'
import type { Executed, Step } from './isolation/history.ts'
import { peerClient } from './isolation/list-client.ts'
import { openPeerClient } from './isolation/open-peer-client.ts'
import type { Plan } from './isolation/plan.ts'
import { concluded } from './isolation/run-history.ts'

/** A client that dies at a step of its own choosing. */
export interface MortalClient {
  readonly store: KeyValueStore
  /** Resolves when it has died. */
  readonly died: Promise<void>
  /** How many steps it has taken. */
  steps(): number
}

export interface CrashHarness {
  /** One more client of one store, which is empty at first. */
  open(): Promise<KeyValueStore>
  /**
   * A client that dies at its step number `step`, counted from 0 and infinite for never: where a commit takes several steps,
   * whoever drives them counts them. Without this, the steps are the beginnings and ends of calls.
   */
  openMortal?(step: number): Promise<MortalClient>
  close(): Promise<void>
}

const append = (key: string, value: string): Step => ({ kind: 'append', key, value })

/** Several rows in each, rows of both clients, an index out of which entries go, and one that only reads. */
const MORTAL: readonly (readonly Step[])[] = [
  [append('a', 'm1'), append('b', 'm2'), append('c', 'm3')],
  [{ kind: 'latest' }, append('a', 'm4'), append('d', 'm5')],
  [{ kind: 'scan', from: 'a', to: 'g', limit: 6 }],
  [{ kind: 'read', key: 'e' }, append('e', 'm6'), append('b', 'm7'), append('a', 'm8')],
]
const SURVIVOR: readonly (readonly Step[])[] = [
  [append('b', 's1'), append('e', 's2')],
  [{ kind: 'latest' }, append('a', 's3')],
  [{ kind: 'scan', from: 'a', to: 'g', limit: 6 }, append('d', 's4')],
  [append('a', 's5'), append('f', 's6')],
]

/** Registers the suite. `make` is called once for each step. */
export function crashSuite(
  kind: string,
  make: () => Promise<CrashHarness>,
  skip: string | false = false,
): void {
  describe(`a client of ${kind} that dies`, { skip }, () => {
    test('at any step leaves nothing half done, and nobody waits for it', async (t) => {
      const steps = await dieAt(Number.POSITIVE_INFINITY, await make())
      for (let step = 0; step < steps; step++)
        await t.test(`step ${step} of ${steps}`, async () => {
          await dieAt(step, await make())
        })
    })
  })
}

// Answers with how many steps there were.
async function dieAt(step: number, harness: CrashHarness): Promise<number> {
  try {
    const mortal = await (harness.openMortal?.(step) ?? openMortal(step, harness))
    const random = seededRandom(`step ${step}`)
    const world = { clock: systemClock, random }
    const dying = peerClient(new Peer({ store: mortal.store, ...world }), mortal.died)
    const survivor = peerClient(new Peer({ store: await harness.open(), ...world }), new Promise(() => {}))
    const executed: Executed[] = []
    let ticks = 0
    const tick = () => ++ticks
    let isAlive = true
    for (const [round, steps] of MORTAL.entries()) {
      const own = await executePlan(dying, { plan: work(`m${round}`, steps, isAlive), tick })
      if (own.outcome === 'unknown') isAlive = false
      if (isAlive || own.outcome === 'unknown') executed.push(own)
      const plan = work(`s${round}`, SURVIVOR[round] ?? [], true)
      const theirs = await executePlan(survivor, { plan, tick })
      assert.equal(theirs.outcome, 'committed')
      executed.push(theirs)
      if (!isAlive) break
    }
    const observer = await openPeerClient({ world, open: () => harness.open() })
    const history = await concluded(observer, { executed, tick })
    assert.deepEqual(checkHistory(history), [])
    await Promise.all([observer.peer.close(), survivor.peer.close()])
    if (isAlive) await dying.peer.close()
    return mortal.steps()
  } finally {
    await harness.close()
  }
}

function work(name: string, steps: readonly Step[], isAlive: boolean): Plan {
  return { name, steps: isAlive ? steps : [], manner: 'work', givesUp: false, guesses: true }
}

async function openMortal(step: number, { open }: CrashHarness): Promise<MortalClient> {
  const store = faultyStore({
    store: await open(),
    fate: ({ count }) => {
      if (step === 2 * count) return 'dies before'
      return step === 2 * count + 1 ? 'dies after' : 'fine'
    },
  })
  return { store, died: store.died, steps: () => 2 * store.calls() }
}
