/** Sorts tuples by several expressions; equal ones stay in the order in which they came. */

import type { Tuple } from '../plan/expression.ts'
import type { OrderItem } from '../plan/order.ts'
import { compareValues, type Value } from '../values/value.ts'
import { type Run, together } from './run.ts'

export function sort(tuples: readonly Tuple[], items: readonly OrderItem[], run: Run): readonly Tuple[] {
  const keys = together(
    tuples.map((tuple) => () => items.map((item) => item.expression.evaluate(tuple, run))),
  )
  const order = tuples.map((_, at) => at)
  order.sort((left, right) =>
    compareKeys(items, keys[left] as readonly Value[], keys[right] as readonly Value[]),
  )
  return order.map((at) => tuples[at] as Tuple)
}

function compareKeys(items: readonly OrderItem[], left: readonly Value[], right: readonly Value[]): number {
  for (let at = 0; at < items.length; at++) {
    const { direction, nulls } = items[at] as OrderItem
    const a = left[at] as Value
    const b = right[at] as Value
    if (a === null || b === null) {
      if (a === b) continue
      return (a === null) === (nulls === 'first') ? -1 : 1
    }
    const order = compareValues(a, b)
    if (order !== 0) return direction === 'asc' ? order : -order
  }
  return 0
}
