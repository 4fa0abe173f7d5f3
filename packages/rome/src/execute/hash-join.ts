/** A join whose source is read once: matched by hash where there is something to match, each with each otherwise. */

import { encodeValue } from '../keyspace/encode-value.ts'
import type { Expression, Tuple } from '../plan/expression.ts'
import type { Step } from '../plan/steps.ts'
import type { StoredRow } from '../values/value.ts'
import type { Run } from './run.ts'

/** Answers with the rows that may match a tuple. */
export type Matcher = (tuple: Tuple) => readonly StoredRow[]

export function matcherOf(
  { hash, source }: Step,
  rows: readonly StoredRow[],
  width: number,
  run: Run,
): Matcher {
  if (!hash) return () => rows
  const byKey = new Map<string, StoredRow[]>()
  const own: (StoredRow | null | undefined)[] = new Array(width).fill(undefined)
  for (const row of rows) {
    own[source.slot] = row
    const key = hashKey(hash.inner, own, run)
    if (key === undefined) continue
    const bucket = byKey.get(key)
    if (bucket) bucket.push(row)
    else byKey.set(key, [row])
  }
  return (tuple) => {
    const key = hashKey(hash.outer, tuple, run)
    return key === undefined ? [] : (byKey.get(key) ?? [])
  }
}

// NULL equals nothing.
function hashKey(sides: readonly Expression['evaluate'][], tuple: Tuple, run: Run): string | undefined {
  let key = ''
  for (const side of sides) {
    const value = side(tuple, run)
    if (value === null) return undefined
    key += encodeValue(value)
  }
  return key
}
