/** Waits for something that a commit brings about, and no longer than somebody is ready to wait. */

import type { Clock } from '@atoll/kit'
import type { State } from '@atoll/state'

export interface CommitWait {
  readonly state: Pick<State, 'onCommit'>
  readonly clock: Clock
  readonly patienceMs: number
  /** Asked at once and after each commit. One that throws is asked again after the next: the store may be away. */
  readonly isReached: () => Promise<boolean>
}

/** Resolves when it is reached, or patience ends; callers look for themselves which of both it was. */
export function waitForCommit({ state, clock, patienceMs, isReached }: CommitWait): Promise<void> {
  return new Promise((resolve) => {
    const finish = () => {
      cancel()
      stop()
      resolve()
    }
    const look = () =>
      void isReached().then(
        (reached) => {
          if (reached) finish()
        },
        () => {},
      )
    const cancel = clock.after(patienceMs, finish)
    const stop = state.onCommit(look)
    // What came before the listening would otherwise be waited for in vain.
    look()
  })
}
