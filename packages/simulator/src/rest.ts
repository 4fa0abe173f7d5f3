/**
 * When a process is at rest. All of its work is microtasks, ticks and immediates, which run in one order; whatever else
 * could wake it (a timer, a file, a socket, a thread) would come at a time of its own and end the determinism.
 */

import { AssertionFailed } from '@atoll/kit'

/** Pipes and terminals carry the report of a run; the rest belongs to whoever started the process. */
const HARMLESS = new Set([
  'Immediate',
  'Timeout',
  'TTYWrap',
  'PipeWrap',
  'WriteWrap',
  'MessagePort',
  'ProcessWrap',
  'SignalWrap',
])

/** More turns than any event needs: a process that goes on by itself is a loop. */
const TURNS_MAX = 100_000

/**
 * Resolves when nothing of the process is left to do until an event of the simulated clock happens.
 * @throws AssertionFailed when something of the real world takes part, or when rest never comes
 */
export async function comeToRest(): Promise<void> {
  for (let turns = 0; turns < TURNS_MAX; turns++) {
    const resources = await nextTurn()
    const real = resources.find((resource) => !HARMLESS.has(resource))
    if (real !== undefined) throw new AssertionFailed(`the real world takes part in a simulation: ${real}`)
    if (!resources.includes('Immediate')) return
  }
  throw new AssertionFailed('the process does not come to rest: something runs in a loop')
}

// Our own immediate is no longer counted when it runs; microtasks and ticks are done before it.
function nextTurn(): Promise<readonly string[]> {
  return new Promise((resolve) => {
    setImmediate(() => resolve(process.getActiveResourcesInfo()))
  })
}
