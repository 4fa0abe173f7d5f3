/** While a simulation runs, a real timer is a bug: it would fire at a time that no seed decides. */

import { AssertionFailed } from '@atoll/kit'

type Timers = Pick<typeof globalThis, 'setTimeout' | 'setInterval'>

/** Makes timers of the machine throw where they are set, so that the stack names the culprit. Returns how to stop that. */
export function forbidTimers(): () => void {
  const { setTimeout, setInterval } = globalThis
  const refuse = (name: string) => () => {
    throw new AssertionFailed(`${name} in a simulation: use the injected clock`)
  }
  const forbidden = {
    setTimeout: refuse('setTimeout'),
    setInterval: refuse('setInterval'),
  } as unknown as Timers
  Object.assign(globalThis, forbidden)
  return () => Object.assign(globalThis, { setTimeout, setInterval })
}
