/** Backward validation: whether what somebody wrote touches what somebody else had read (Kung and Robinson, 1981, section 3). */

import { IntervalSet } from '../../collections/interval-set.ts'
import type { LogEntry, ReadSet, Space } from './key-value-store.ts'

export class ReadIndex {
  readonly #keys = new Map<Space, Set<string>>()
  readonly #ranges = new Map<Space, IntervalSet>()

  constructor({ keys, ranges }: ReadSet) {
    for (const { space, key } of keys) {
      const known = this.#keys.get(space)
      if (known) known.add(key)
      else this.#keys.set(space, new Set([key]))
    }
    for (const { space, from, to } of ranges) {
      const known = this.#ranges.get(space) ?? new IntervalSet()
      known.add(from, to)
      this.#ranges.set(space, known)
    }
  }

  /** Deletions count as writes, and so does a key that was not there when its range was read. */
  isTouchedBy({ writes }: Pick<LogEntry, 'writes'>): boolean {
    return writes.some(
      ({ space, key }) => this.#keys.get(space)?.has(key) || this.#ranges.get(space)?.contains(key),
    )
  }
}
