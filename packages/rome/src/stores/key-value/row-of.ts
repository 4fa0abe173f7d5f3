/** From an entry of an index to its row. */

import type { ByteString, Space, SpaceKey } from './key-value-store.ts'

/** The row of `space` that a key of an index stands for: its last bytes but two, whose number these two say. */
export function rowOf(space: Space, indexKey: ByteString): SpaceKey {
  const length = (indexKey.charCodeAt(indexKey.length - 2) << 8) | indexKey.charCodeAt(indexKey.length - 1)
  return { space, key: indexKey.slice(indexKey.length - 2 - length, indexKey.length - 2) }
}
