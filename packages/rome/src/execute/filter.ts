/** Keeps the tuples for which all conditions are true: neither false nor unknown. */

import type { Expression, Tuple } from '../plan/expression.ts'
import { truth } from '../values/value.ts'
import { type Run, together } from './run.ts'

export function filter(
  tuples: readonly Tuple[],
  conditions: readonly Expression[],
  run: Run,
): readonly Tuple[] {
  if (conditions.length === 0) return tuples
  // Sub-selects last, of which those of all tuples look things up together.
  const plain = conditions.filter(({ readsStore }) => !readsStore)
  const kept = plain.length > 0 ? tuples.filter((tuple) => holds(plain, tuple, run)) : tuples
  if (plain.length === conditions.length) return kept
  const reading = conditions.filter(({ readsStore }) => readsStore)
  const outcomes = together(kept.map((tuple) => () => holds(reading, tuple, run)))
  return kept.filter((_, at) => outcomes[at])
}

export function holds(conditions: readonly Expression[], tuple: Tuple, run: Run): boolean {
  for (const condition of conditions) if (truth(condition.evaluate(tuple, run)) !== true) return false
  return true
}
