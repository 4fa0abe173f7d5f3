/** Sub-selects in expressions. One that reads nothing of the queries around it runs once; others run for each row. */

import { type OperationNode, SelectQueryNode } from 'kysely'
import type { Run } from '../execute/run.ts'
import { encodeValue } from '../keyspace/encode-value.ts'
import { comparisonAffinity, isNumeric } from '../values/affinity.ts'
import type { Value } from '../values/value.ts'
import { converted } from './comparison.ts'
import type { CompileOptions } from './compile-options.ts'
import { type Expression, expression, type Tuple } from './expression.ts'
import { refuse } from './not-supported.ts'
import type { SelectPlan } from './select-plan.ts'

export function compileExists(
  node: OperationNode,
  operand: OperationNode,
  isWanted: boolean,
  options: CompileOptions,
): Expression {
  const plan = subPlan(operand, options)
  const exists = once(plan, (tuple, run) => firstRow(plan, tuple, run) !== undefined)
  return overSubSelect(node, [], plan, (tuple, run) => (exists(tuple, run) === isWanted ? 1 : 0))
}

/** One value: of the first row, or NULL when there is none. */
export function compileScalarSelect(node: SelectQueryNode, options: CompileOptions): Expression {
  const plan = subPlan(node, options)
  const { expression: selected } = plan.projections[0] as SelectPlan['projections'][number]
  if (plan.projections.length !== 1) refuse('several columns as one value', node)
  const value = once(plan, (tuple, run): Value => firstRow(plan, tuple, run)?.[0] ?? null)
  const { affinity, form, decoder } = selected
  return { ...overSubSelect(node, [], plan, value), affinity, form, decoder }
}

export function compileInSelect(
  node: OperationNode,
  left: Expression,
  query: SelectQueryNode,
  options: CompileOptions,
): Expression {
  const plan = subPlan(query, options)
  const [selected] = plan.projections
  if (!selected || plan.projections.length > 1) return refuse('several columns as one value', node)
  const [value, other] = converted(node, left, atColumn(selected.expression))
  const found = once(plan, (tuple, run) => {
    const values = new Map<string, Value>()
    for (const row of run.select(plan, tuple, run)) {
      const item = other([row], run)
      values.set(encodeValue(item), item)
    }
    return values
  })
  const outcome = overSubSelect(node, [left], plan, (tuple, run) => {
    const values = found(tuple, run)
    if (values.size === 0) return 0
    const wanted = value(tuple, run)
    if (wanted === null) return null
    if (values.has(encodeValue(wanted))) return 1
    return values.has(encodeValue(null)) ? null : 0
  })
  const affinity = comparisonAffinity(left.affinity, selected.expression.affinity)
  // Where the left side itself is converted, its encoding does not compare as the values do.
  const isServed = plan.outerSlots === 0 && (affinity !== 'numeric' || isNumeric(left.affinity))
  if (!isServed) return outcome
  return {
    ...outcome,
    shape: { kind: 'in', left, values: (tuple, run) => [...found(tuple, run).values()], slots: 0 },
  }
}

function subPlan(
  node: OperationNode,
  { context, scope, aggregates, planSelect }: CompileOptions,
): SelectPlan {
  if (!SelectQueryNode.is(node)) return refuse('this in the place of a sub-select', node)
  const plan = planSelect(node, context, scope)
  // A group is many rows, and SQLite would take any of them.
  if (aggregates?.keys && plan.outerSlots >>> scope.firstSlot !== 0)
    refuse('a sub-select that reads single rows of a group', node)
  if (plan.outerSlots !== 0) scope.outerSlots |= plan.outerSlots & ((1 << scope.firstSlot) - 1)
  return plan
}

// Of a row that was projected already, its only value.
function atColumn(selected: Expression): Expression {
  return { ...selected, evaluate: (tuple) => tuple[0]?.[0] ?? null }
}

function overSubSelect(
  node: OperationNode,
  operands: readonly Expression[],
  plan: SelectPlan,
  evaluate: Expression['evaluate'],
): Expression {
  const outcome = expression(node, operands, evaluate, { readsStore: true })
  return { ...outcome, slots: outcome.slots | plan.outerSlots }
}

function firstRow(plan: SelectPlan, tuple: Tuple, run: Run): readonly Value[] | undefined {
  for (const row of run.select(plan, tuple, run, 1)) return row
  return undefined
}

function once<Result>(
  plan: SelectPlan,
  compute: (tuple: Tuple, run: Run) => Result,
): (tuple: Tuple, run: Run) => Result {
  if (plan.outerSlots !== 0) return compute
  return (tuple, run) => {
    if (!run.memo.has(plan)) run.memo.set(plan, compute(tuple, run))
    return run.memo.get(plan) as Result
  }
}
