/** Who has read how far in the feed of this site: how it knows that the others have heard something. */

import type { Clock } from '@atoll/kit'

/** Bounds what is remembered, as the directory does. */
const READERS_MAX = 10_000

export class FeedReaders {
  readonly #clock: Clock
  readonly #reached = new Map<string, number>()
  readonly #listeners = new Set<() => void>()

  constructor({ clock }: { readonly clock: Clock }) {
    this.#clock = clock
  }

  /** `site` has asked for what comes after `seq`, so it has everything before. */
  note(site: string, seq: number): void {
    if (!this.#reached.has(site) && this.#reached.size >= READERS_MAX) return
    this.#reached.set(site, seq)
    for (const listener of this.#listeners) listener()
  }

  /** Waits until all of `sites` have read up to `seq`, at most `timeoutMs`; answers with those that have not. */
  async haveReached(
    seq: number,
    { sites, timeoutMs }: { sites: readonly string[]; timeoutMs: number },
  ): Promise<readonly string[]> {
    const behind = () => sites.filter((site) => (this.#reached.get(site) ?? 0) < seq)
    if (behind().length === 0) return []
    await new Promise<void>((resolve) => {
      const finish = () => {
        cancel()
        this.#listeners.delete(look)
        resolve()
      }
      const look = () => {
        if (behind().length === 0) finish()
      }
      const cancel = this.#clock.after(timeoutMs, finish)
      this.#listeners.add(look)
    })
    return behind()
  }
}
