/** How aggregates add up: one accumulator for each aggregate of each group. */

import { encodeValue } from '../keyspace/encode-value.ts'
import type { Aggregate } from '../plan/aggregate.ts'
import type { Tuple } from '../plan/expression.ts'
import { compareValues, numericPrefix, truth, type Value } from '../values/value.ts'
import type { Run } from './run.ts'

export interface Accumulator {
  add(value: Value): void
  result(): Value
}

/** Takes one row into the accumulators of its group. */
export function accumulate(
  list: readonly Aggregate[],
  accumulators_: readonly Accumulator[],
  tuple: Tuple,
  run: Run,
): void {
  for (let index = 0; index < list.length; index++) {
    const { operand, filter } = list[index] as Aggregate
    if (filter && truth(filter.evaluate(tuple, run)) !== true) continue
    const value = operand ? operand.evaluate(tuple, run) : 1
    if (value !== null) (accumulators_[index] as Accumulator).add(value)
  }
}

export function startAll(list: readonly Aggregate[]): readonly Accumulator[] {
  return list.map(({ start, isDistinct }) => (isDistinct ? distinct(start()) : start()))
}

/** By the name of the function. */
export const accumulators: Readonly<Record<string, () => Accumulator>> = {
  count: () => {
    let count = 0
    return { add: () => void count++, result: () => count }
  },
  sum: () => summing((sum, count) => (count === 0 ? null : sum)),
  total: () => summing((sum) => sum),
  avg: () => summing((sum, count) => (count === 0 ? null : sum / count)),
  min: () => extreme((order) => order < 0),
  max: () => extreme((order) => order > 0),
}

// Compensated summation as SQLite's (Neumaier, ZAMM 54, 1974), so that both round alike.
function summing(outcome: (sum: number, count: number) => number | null): Accumulator {
  let count = 0
  let sum = 0
  let lost = 0
  return {
    add: (value) => {
      const number = numericPrefix(value)
      const next = sum + number
      lost += Math.abs(sum) > Math.abs(number) ? sum - next + number : number - next + sum
      sum = next
      count++
    },
    result: () => outcome(Number.isFinite(lost) ? sum + lost : sum, count),
  }
}

function extreme(isBetter: (order: number) => boolean): Accumulator {
  let best: Value = null
  return {
    add: (value) => {
      if (best === null || isBetter(compareValues(value, best))) best = value
    },
    result: () => best,
  }
}

function distinct(inner: Accumulator): Accumulator {
  const seen = new Set<string>()
  return {
    add: (value) => {
      const key = encodeValue(value)
      if (seen.has(key)) return
      seen.add(key)
      inner.add(value)
    },
    result: () => inner.result(),
  }
}
