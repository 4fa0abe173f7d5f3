/** Leaves out rows that came before. */

import { encodeKey } from '../keyspace/encode-value.ts'
import type { Value } from '../values/value.ts'

export function* distinct(rows: Iterable<readonly Value[]>): Generator<readonly Value[]> {
  const seen = new Set<string>()
  for (const row of rows) {
    const key = encodeKey(row)
    if (seen.has(key)) continue
    seen.add(key)
    yield row
  }
}
