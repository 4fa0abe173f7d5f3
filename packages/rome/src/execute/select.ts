/** Runs a select: sources, groups, order, projection, distinct rows, limit. */

import type { Tuple } from '../plan/expression.ts'
import type { SelectPlan } from '../plan/select-plan.ts'
import type { Value } from '../values/value.ts'
import { distinct } from './distinct.ts'
import { group } from './group.ts'
import { limited, windowOf } from './limit.ts'
import { type Run, together } from './run.ts'
import { sort } from './sort.ts'
import { readSteps } from './steps.ts'

/**
 * The values of each row that the select hands out, in the order of its projections.
 * @param wanted how many rows the caller looks at, if it knows
 */
export function* selectValues(
  plan: SelectPlan,
  outer: Tuple,
  run: Run,
  wanted = Number.POSITIVE_INFINITY,
): Generator<readonly Value[]> {
  const window = windowOf(plan, run)
  const rows = projected(
    plan,
    run,
    selectTuples(plan, outer, run, Math.min(wanted, window.limit) + window.offset),
  )
  const all = plan.isDistinct ? distinct(rows) : rows
  yield* window.limit === Number.POSITIVE_INFINITY && window.offset === 0 ? all : limited(all, window)
}

/** The tuples behind the rows, in order, before limit and offset. */
export function* selectTuples(
  plan: SelectPlan,
  outer: Tuple,
  run: Run,
  wanted = Number.POSITIVE_INFINITY,
): Generator<readonly Tuple[]> {
  const isDirect = !plan.grouping && plan.sort.length === 0
  const hint = isDirect && !plan.isDistinct && Number.isFinite(wanted) ? wanted : undefined
  const batches = readSteps(plan, outer, run, hint)
  if (isDirect) yield* batches
  else {
    const base = [...outer, ...new Array(plan.width - outer.length).fill(undefined)]
    const tuples = plan.grouping ? group(batches, plan.grouping, { base, run }) : [...batches].flat()
    yield plan.sort.length > 0 ? sort(tuples, plan.sort, run) : tuples
  }
}

function* projected(
  { projections }: SelectPlan,
  run: Run,
  batches: Iterable<readonly Tuple[]>,
): Generator<readonly Value[]> {
  const evaluate = (tuple: Tuple) => projections.map(({ expression }) => expression.evaluate(tuple, run))
  const readsStore = projections.some(({ expression }) => expression.readsStore)
  for (const tuples of batches) {
    if (readsStore) yield* together(tuples.map((tuple) => () => evaluate(tuple)))
    else for (const tuple of tuples) yield evaluate(tuple)
  }
}
