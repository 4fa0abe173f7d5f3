/** Read your writes: after a write at another home, waits until the replicas here have it. */

import type { Clock } from '@atoll/kit'
import type { State } from '@atoll/state'
import { waitForCommit } from './wait-for-commit.ts'

export interface FeedWaiterOptions {
  readonly state: State
  readonly clock: Clock
  /** How long a change of `site` may need to come here, normally; beyond that the answer goes out without it. */
  readonly patienceMs: (site: string) => number
  /** Somebody waits for news of `site`. */
  readonly onWait: (site: string) => void
}

export class FeedWaiter {
  readonly #options: FeedWaiterOptions

  constructor(options: FeedWaiterOptions) {
    this.#options = options
  }

  /**
   * Waits until the replicas of a site have come as far as `mark` (`<site>:<seq>`) says. A mark that is missing,
   * malformed or of this very site waits for nothing; patience is bounded, since the write itself is done.
   */
  async reached(mark: string | readonly string[] | undefined): Promise<void> {
    const match = typeof mark === 'string' ? /^(.+):(\d+)$/.exec(mark) : null
    const [site, seq] = [match?.[1], Number(match?.[2])]
    const { state, clock, patienceMs, onWait } = this.#options
    if (site === undefined || site === state.site.name) return
    const isReached = async () => (await state.feed.cursor(site)) >= seq
    if (await isReached()) return
    onWait(site)
    await waitForCommit({ state, clock, patienceMs: patienceMs(site), isReached })
  }
}
