/** Carries out one plan at a client, and notes what happened. */

import { OutcomeUnknown, StoreReadOnly, StoreUnavailable, TransactionConflict } from '../../errors.ts'
import type { Event, Executed } from './history.ts'
import { GaveUp, type Plan } from './plan.ts'

/** Whoever keeps lists, over any kind of store. */
export interface HistoryClient {
  /** Answers with what happened in the transaction, which is committed. @throws GaveUp, and what its store throws */
  run(plan: Plan): Promise<readonly Event[]>
  /** Resolves when it dies: nobody hears of it any more. */
  readonly died: Promise<void>
  /** Whether it may go on after an outcome that nobody knows. */
  isAlive(): boolean
}

/** Runs `plan`; the client's death ends it with an unknown outcome. `tick` counts begins and ends. */
export async function executePlan(
  client: HistoryClient,
  { plan, tick }: { readonly plan: Plan; readonly tick: () => number },
): Promise<Executed> {
  const began = tick()
  const { name, steps } = plan
  const intended = steps.flatMap((step): Event[] =>
    step.kind === 'append' ? [{ ...step, kind: 'appended' }] : [],
  )
  const unknown = {
    name,
    events: intended,
    outcome: 'unknown',
    began,
    ended: Number.POSITIVE_INFINITY,
  } as const
  try {
    const events = await Promise.race([client.run(plan), client.died])
    return events ? { name, events, outcome: 'committed', began, ended: tick() } : unknown
  } catch (error) {
    if (OutcomeUnknown.is(error)) return unknown
    if (!isExpected(error)) throw error
    return { name, events: intended, outcome: 'aborted', began, ended: tick() }
  }
}

/** What a client may be told: nothing of the transaction was written. */
function isExpected(error: unknown): boolean {
  const isRefusal = [TransactionConflict, StoreUnavailable, StoreReadOnly].some(({ is }) => is(error))
  return isRefusal || error instanceof GaveUp
}
