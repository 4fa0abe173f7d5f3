/**
 * Keeps the garbage collection away from what is being written or read right now. A running operation pins digests
 * before it looks whether they are stored; the collection deletes only what nobody has pinned.
 */

import type { Digest } from './digest.ts'

export class Pins {
  readonly #counts = new Map<Digest, number>()
  readonly #deletions = new Map<Digest, Promise<void>>()
  /** Released while a collection runs: kept to its end, as what it has marked may be older than the release. */
  #released: Digest[] = []
  #isCollecting = false

  has(digest: Digest): boolean {
    return this.#counts.has(digest)
  }

  /** A set of pins that are released together. */
  group(): PinGroup {
    const pinned = new Set<Digest>()
    return {
      pin: async (digest) => {
        if (!pinned.has(digest)) {
          pinned.add(digest)
          this.#counts.set(digest, (this.#counts.get(digest) ?? 0) + 1)
        }
        await this.#deletions.get(digest)
      },
      release: () => {
        if (this.#isCollecting) this.#released.push(...pinned)
        else for (const digest of pinned) this.#release(digest)
        pinned.clear()
      },
    }
  }

  /** Runs `collect`, during which no pin is released. Callers run one at a time. */
  async whileCollecting<T>(collect: () => Promise<T>): Promise<T> {
    this.#isCollecting = true
    try {
      return await collect()
    } finally {
      this.#isCollecting = false
      for (const digest of this.#released) this.#release(digest)
      this.#released = []
    }
  }

  /** Runs `remove` unless the digest is pinned; whoever pins it meanwhile waits. Returns whether it ran. */
  async deleteUnpinned(digest: Digest, remove: () => Promise<void>): Promise<boolean> {
    if (this.has(digest)) return false
    const deletion = remove()
    // Who waits only needs to know that it is over; the failure belongs to the collection.
    this.#deletions.set(
      digest,
      deletion.catch(() => {}),
    )
    try {
      await deletion
    } finally {
      this.#deletions.delete(digest)
    }
    return true
  }

  #release(digest: Digest): void {
    const count = this.#counts.get(digest) ?? 0
    if (count > 1) this.#counts.set(digest, count - 1)
    else this.#counts.delete(digest)
  }
}

export interface PinGroup {
  /** Resolves when the digest is safe from deletion, at once if no deletion is under way. */
  pin(digest: Digest): Promise<void>
  /** Ends all pins of the group. May be called again. */
  release(): void
}
