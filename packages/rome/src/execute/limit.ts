/** `limit` and `offset`: how many rows are wanted, and how many of the first are left out. */

import type { Expression } from '../plan/expression.ts'
import { refuse } from '../plan/not-supported.ts'
import type { SelectPlan } from '../plan/select-plan.ts'
import type { Run } from './run.ts'

export interface Window {
  readonly offset: number
  /** Infinite when there is no limit. */
  readonly limit: number
}

export function windowOf({ limit, offset }: SelectPlan, run: Run): Window {
  const count = limit ? wholeNumber(limit, run) : -1
  return {
    limit: count < 0 ? Number.POSITIVE_INFINITY : count,
    offset: offset ? Math.max(wholeNumber(offset, run), 0) : 0,
  }
}

function wholeNumber(expression: Expression, run: Run): number {
  const value = expression.evaluate([], run)
  return typeof value === 'number' && Number.isInteger(value)
    ? value
    : refuse('a limit that is no whole number', expression.node)
}

export function* limited<Row>(rows: Iterable<Row>, { offset, limit }: Window): Generator<Row> {
  if (limit <= 0) return
  let seen = 0
  for (const row of rows) {
    seen++
    if (seen <= offset) continue
    yield row
    if (seen - offset >= limit) return
  }
}
