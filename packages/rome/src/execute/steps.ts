/** Reads the sources of a query one after the other: each step widens the tuples by one row. */

import type { OperationNode } from 'kysely'
import type { Tuple } from '../plan/expression.ts'
import type { SelectPlan } from '../plan/select-plan.ts'
import type { Step } from '../plan/steps.ts'
import type { StoredRow } from '../values/value.ts'
import { filter, holds } from './filter.ts'
import { matcherOf } from './hash-join.ts'
import { lookUp } from './look-up-join.ts'
import { readPath } from './read-path.ts'
import { type Run, together } from './run.ts'

/** Tuples whose look-ups are made together. */
const BATCH = 512

/** All tuples of the sources of `plan` beside `outer`, a tuple of the queries around it, in batches. */
export function* readSteps(
  plan: SelectPlan,
  outer: Tuple,
  run: Run,
  wanted: number | undefined,
): Generator<readonly Tuple[]> {
  const base = widened(outer, plan)
  const [first, ...others] = plan.steps
  if (!holds(plan.before, base, run)) return
  if (!first) {
    yield [base]
    return
  }
  let batches: Iterable<readonly Tuple[]> =
    first.kind === 'left'
      ? joined(first, [[base]], { plan, run })
      : readFirst(first, base, { plan, run, wanted })
  for (const step of others) batches = joined(step, batches, { plan, run })
  yield* batches
}

function widened(outer: Tuple, { width, firstSlot }: SelectPlan): (StoredRow | null | undefined)[] {
  const base: (StoredRow | null | undefined)[] = []
  for (let slot = 0; slot < width; slot++) base.push(slot < firstSlot ? outer[slot] : undefined)
  return base
}

interface Context {
  readonly plan: SelectPlan
  readonly run: Run
}

function* readFirst(
  step: Step,
  base: Tuple,
  { plan, run, wanted }: Context & { readonly wanted: number | undefined },
): Generator<readonly Tuple[]> {
  const { slot } = step.source
  const conditions = [...step.residual, ...step.filter]
  for (const rows of readSource(step, base, {
    plan,
    run,
    wanted: conditions.length > 0 ? undefined : wanted,
  })) {
    const tuples = rows.map((row) => withRow(base, slot, row))
    const kept = filter(tuples, conditions, run)
    if (kept.length > 0) yield kept
  }
}

function* readSource(
  step: Step,
  tuple: Tuple,
  { plan, run, wanted }: Context & { readonly wanted: number | undefined },
): Generator<readonly StoredRow[]> {
  if (step.subPlan) yield [...run.select(step.subPlan, tuple, run)]
  else if (step.path)
    yield* readPath(step.path, tuple, run, {
      wanted,
      mayScan: step.isWhole || plan.isScanAsked,
      node: plan.node as OperationNode,
    })
}

function* joined(
  step: Step,
  batches: Iterable<readonly Tuple[]>,
  context: Context,
): Generator<readonly Tuple[]> {
  const { plan, run } = context
  const match = isLookUp(step, plan)
    ? (tuples: readonly Tuple[]) => lookUp(step.path as NonNullable<Step['path']>, tuples, run, plan.node)
    : matchOnce(step, context)
  for (const batch of batches) {
    for (let from = 0; from < batch.length; from += BATCH) {
      const tuples = batch.slice(from, from + BATCH)
      const matches = match(tuples)
      const wide = together(
        tuples.map((tuple, at) => () => widen(step, tuple, matches[at] ?? [], run)),
      ).flat()
      const kept = filter(wide, step.filter, run)
      if (kept.length > 0) yield kept
    }
  }
}

function isLookUp(step: Step, { firstSlot }: SelectPlan): boolean {
  return step.path !== undefined && !step.hash && step.path.slots >>> firstSlot !== 0
}

function matchOnce(
  step: Step,
  { plan, run }: Context,
): (tuples: readonly Tuple[]) => readonly (readonly StoredRow[])[] {
  let matcher: ReturnType<typeof matcherOf> | undefined
  return (tuples) => {
    const [some] = tuples
    if (!some) return []
    matcher ??= matcherOf(
      step,
      [...readSource(step, some, { plan, run, wanted: undefined })].flat(),
      plan.width,
      run,
    )
    return tuples.map(matcher)
  }
}

// With what matches; a left join goes on with nothing beside when nothing does.
function widen(step: Step, tuple: Tuple, rows: readonly StoredRow[], run: Run): readonly Tuple[] {
  const { slot } = step.source
  const wide = filter(
    rows.map((row) => withRow(tuple, slot, row)),
    step.residual,
    run,
  )
  return step.kind === 'left' && wide.length === 0 ? [withRow(tuple, slot, null)] : wide
}

function withRow(tuple: Tuple, slot: number, row: StoredRow | null): Tuple {
  const wide = tuple.slice()
  wide[slot] = row
  return wide
}
