/** Forgets revocations that no token depends on any more, so that their number stays bounded by an hour's or a week's. */

import { type Clock, type Logger, Reconciler } from '@atoll/kit'
import { cloudScope, type State } from '@atoll/state'
import { revocations } from '../records.ts'

const scope = cloudScope('forgetting revocations')
/** How many are forgotten in one transaction; others wait for it. */
const BATCH = 200

export interface ForgetOptions {
  readonly state: State
  readonly clock: Clock
  readonly log: Logger
  /** Default: ten minutes. Later costs a little room, sooner a little work. */
  readonly intervalMs?: number
}

/** To be run by one peer of each site: each forgets what is kept at its own. */
export function createRevocationForgetter({ intervalMs = 600_000, ...options }: ForgetOptions): Reconciler {
  return new Reconciler({
    name: 'forget-revocations',
    clock: options.clock,
    log: options.log,
    intervalMs,
    pass: (signal) => forgetRevocations(options, signal),
  })
}

/** One pass over what has expired. */
export async function forgetRevocations(
  { state, clock }: Pick<ForgetOptions, 'state' | 'clock'>,
  signal?: AbortSignal,
): Promise<void> {
  let after = ''
  while (!signal?.aborted) {
    const expired = await state
      .select(scope, revocations)
      .select(['id', 'home'])
      .where('expires_at_ms', '<=', clock.nowMs())
      .where('id', '>', after)
      .orderBy('id')
      .limit(BATCH)
      .execute()
    const own = expired.filter((row) => state.isKeptHere(row))
    if (own.length > 0)
      await state.transaction(async (transaction) => {
        for (const { id } of own) await transaction.remove(revocations, id)
      })
    const last = expired.at(-1)
    if (!last || expired.length < BATCH) return
    after = last.id
  }
}
