/** Comparisons with SQLite's conversions and three-valued outcome. */

import type { OperationNode } from 'kysely'
import type { Run } from '../execute/run.ts'
import {
  type Affinity,
  comparisonAffinity,
  type NumberForm,
  numberText,
  numericOrText,
} from '../values/affinity.ts'
import { compareValues, plain, truth, type Value } from '../values/value.ts'
import { type ComparisonOperator, type Expression, expression, type Tuple } from './expression.ts'
import { refuse } from './not-supported.ts'

const outcomes: Readonly<Record<ComparisonOperator, (order: number) => boolean>> = {
  '=': (order) => order === 0,
  is: (order) => order === 0,
  '!=': (order) => order !== 0,
  'is not': (order) => order !== 0,
  '<': (order) => order < 0,
  '<=': (order) => order <= 0,
  '>': (order) => order > 0,
  '>=': (order) => order >= 0,
}

export function comparison(
  node: OperationNode,
  operator: ComparisonOperator,
  left: Expression,
  right: Expression,
): Expression {
  const [a, b] = converted(node, left, right)
  const outcome = outcomes[operator]
  const isTotal = operator === 'is' || operator === 'is not'
  return expression(
    node,
    [left, right],
    (tuple, run) => {
      const x = a(tuple, run)
      const y = b(tuple, run)
      if (!isTotal && (x === null || y === null)) return null
      return outcome(x === y ? 0 : compareValues(x, y)) ? 1 : 0
    },
    { shape: { kind: 'compare', operator, left, right } },
  )
}

/** Whether two sides are equal, as `=` has it; null when one is NULL. */
export function equalValues(
  node: OperationNode,
  left: Expression,
  right: Expression,
): (tuple: Tuple, run: Run) => boolean | null {
  const [a, b] = converted(node, left, right)
  return (tuple, run) => {
    const x = a(tuple, run)
    const y = b(tuple, run)
    return x === null || y === null ? null : x === y || compareValues(x, y) === 0
  }
}

/** `x is true` and its like. */
export function isTrue(
  node: OperationNode,
  operand: Expression,
  { wanted, isNegated }: { wanted: boolean; isNegated: boolean },
): Expression {
  return expression(node, [operand], (tuple, run) => {
    const isWanted = truth(operand.evaluate(tuple, run)) === wanted
    return isWanted === isNegated ? 0 : 1
  })
}

/** Both sides after the conversion that comparing them asks for. */
export function converted(
  node: OperationNode,
  left: Expression,
  right: Expression,
): readonly [Expression['evaluate'], Expression['evaluate']] {
  const affinity = comparisonAffinity(left.affinity, right.affinity)
  return [conversion(node, left, affinity), conversion(node, right, affinity)]
}

function conversion(
  node: OperationNode,
  side: Expression,
  affinity: 'numeric' | 'text' | null,
): Expression['evaluate'] {
  if (affinity === null || side.affinity === affinity) return side.evaluate
  if (affinity === 'numeric' && side.affinity === 'real') return side.evaluate
  const convert = affinity === 'numeric' ? toNumeric : toText(node, side.form)
  if (!side.constant) return (tuple, run) => convert(side.evaluate(tuple, run))
  const value = convert(side.constant.value)
  return () => value
}

/** What comparing with a side of `affinity` makes of a value without affinity; undefined when it stays as it is. */
export function convertedValue(
  node: OperationNode,
  affinity: Affinity,
  form: NumberForm,
): ((value: Value) => Value) | undefined {
  const applied = comparisonAffinity(affinity, 'none')
  if (applied === null) return undefined
  return applied === 'numeric' ? toNumeric : toText(node, form)
}

function toNumeric(value: Value): Value {
  return typeof value === 'string' ? numericOrText(value) : value
}

function toText(node: OperationNode, form: NumberForm): (value: Value) => Value {
  return (value) => {
    if (typeof value !== 'number') return plain(value)
    return form === 'mixed' ? refuse('text compared with numbers of any kind', node) : numberText(value, form)
  }
}
