/** Waiting for a condition instead of for a time. */

import { sleep, systemClock } from '@atoll/kit'

const WITHIN_MS = 60_000

/** Waits until `condition` holds; one that fails does not hold. */
export async function eventually(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const startMs = systemClock.monotonicMs()
  while (
    !(await Promise.resolve()
      .then(condition)
      .catch(() => false))
  ) {
    if (systemClock.monotonicMs() - startMs > WITHIN_MS)
      throw new Error(`not within ${WITHIN_MS} ms: ${what}`)
    await sleep(systemClock, 20)
  }
}
