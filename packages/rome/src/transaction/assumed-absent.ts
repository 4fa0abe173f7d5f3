/** Keys that were drawn at random in this transaction, so that no row can have them. */

import type { ByteString, Space } from '../stores/key-value/key-value-store.ts'

export class AssumedAbsent {
  readonly #keys = new Map<Space, Set<ByteString>>()

  add(space: Space, key: ByteString): void {
    const keys = this.#keys.get(space)
    if (keys) keys.add(key)
    else this.#keys.set(space, new Set([key]))
  }

  has(space: Space, key: ByteString): boolean {
    return this.#keys.get(space)?.has(key) === true
  }
}
