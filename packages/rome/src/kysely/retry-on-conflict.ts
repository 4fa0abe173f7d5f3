/** For transactions of Kysely's own, which are not run again by themselves. */

import { type Clock, type Random, retry } from '@atoll/kit'
import { TransactionConflict } from '../errors.ts'

export interface RetryOnConflictOptions {
  readonly clock: Clock
  readonly random: Random
  readonly attemptsMax?: number
}

/**
 * Runs `work`, which begins and ends a transaction, until nobody was in its way.
 * @throws TransactionConflict when somebody was each time
 *
 * @example
 * await retryOnConflict({ clock, random }, () => database.transaction().execute(async (transaction) => ...))
 */
export function retryOnConflict<Result>(
  { clock, random, attemptsMax = 16 }: RetryOnConflictOptions,
  work: () => Promise<Result>,
): Promise<Result> {
  return retry(
    { clock, random, attemptsMax, pauseMs: 2, pauseMsMax: 200, isRetryable: TransactionConflict.is },
    work,
  )
}
