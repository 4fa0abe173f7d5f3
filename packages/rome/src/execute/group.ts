/** `group by` and aggregates: one tuple for each group, its first one, with the aggregates in a slot of their own. */

import { encodeValue } from '../keyspace/encode-value.ts'
import type { Tuple } from '../plan/expression.ts'
import type { Grouping } from '../plan/select-plan.ts'
import { type Accumulator, accumulate, startAll } from './accumulators.ts'
import { filter } from './filter.ts'
import type { Run } from './run.ts'

interface Group {
  readonly first: Tuple
  readonly accumulators: readonly Accumulator[]
}

/** @param base what a tuple is without any row: without `group by` there is one group, even of nothing */
export function group(
  batches: Iterable<readonly Tuple[]>,
  { keys, aggregates, slot, having }: Grouping,
  { base, run }: { readonly base: Tuple; readonly run: Run },
): readonly Tuple[] {
  const groups = new Map<string, Group>()
  if (keys.length === 0) groups.set('', { first: base, accumulators: startAll(aggregates) })
  for (const tuples of batches) {
    for (const tuple of tuples) {
      let name = ''
      for (const key of keys) name += encodeValue(key.evaluate(tuple, run))
      let found = groups.get(name)
      if (!found) {
        found = { first: tuple, accumulators: startAll(aggregates) }
        groups.set(name, found)
      }
      accumulate(aggregates, found.accumulators, tuple, run)
    }
  }
  const outcome = [...groups.values()].map(({ first, accumulators }) => {
    const tuple = first.slice()
    tuple[slot] = accumulators.map((accumulator) => accumulator.result())
    return tuple
  })
  return having ? filter(outcome, [having], run) : outcome
}
