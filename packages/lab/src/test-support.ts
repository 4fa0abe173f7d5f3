/** What the lab's own tests share. */

import { setTimeout as pause } from 'node:timers/promises'

/** Waits until `condition` holds. Throws with `what` when it does not in time. */
export async function eventually(
  what: string,
  condition: () => boolean | Promise<boolean>,
  timeoutMs = 15_000,
): Promise<void> {
  const deadlineMs = performance.now() + timeoutMs
  while (!(await condition())) {
    if (performance.now() > deadlineMs) throw new Error(`not within ${timeoutMs} ms: ${what}`)
    await pause(20)
  }
}
