/** Two ordered lists of keys as one. */

import type { ByteString } from '../stores/key-value/key-value-store.ts'

export interface MergeOptions {
  /** Both lists, and the answer, go down. */
  readonly isReversed: boolean
  /** Keys of which it says no are left out. */
  readonly isThere: (key: ByteString) => boolean
  readonly limit: number
}

/** At most `limit` keys of `left` and `right`, each once. */
export function mergeKeys(
  left: readonly ByteString[],
  right: readonly ByteString[],
  { isReversed, isThere, limit }: MergeOptions,
): ByteString[] {
  const merged: ByteString[] = []
  for (let [from, other] = [0, 0]; merged.length < limit; ) {
    const [one, two] = [left[from], right[other]]
    if (one === undefined && two === undefined) break
    const isFirst = two === undefined || (one !== undefined && (isReversed ? one >= two : one <= two))
    const key = isFirst ? one : two
    if (one === key) from++
    if (two === key) other++
    if (key !== undefined && isThere(key)) merged.push(key)
  }
  return merged
}
