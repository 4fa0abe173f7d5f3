/** Arithmetic as SQLite does it: integers stay integers, NULL spreads, and to divide by zero gives NULL. */

import type { OperationNode } from 'kysely'
import { type NumberForm, numberText } from '../values/affinity.ts'
import { numericPrefix, plain, type Value } from '../values/value.ts'
import { type Expression, expression } from './expression.ts'
import { refuse } from './not-supported.ts'

type Operator = '+' | '-' | '*' | '/' | '%'

export function arithmetic(
  node: OperationNode,
  operator: Operator,
  left: Expression,
  right: Expression,
): Expression {
  const form = outcomeForm(left, right)
  if (form === 'mixed' && operator === '/') refuse('a division of numbers of any kind', node)
  const compute = operations[operator]
  return expression(
    node,
    [left, right],
    (tuple, run) => {
      const a = left.evaluate(tuple, run)
      const b = right.evaluate(tuple, run)
      if (a === null || b === null) return null
      if (isStray(a, left) || isStray(b, right)) return refuse('arithmetic over text among numbers', node)
      const x = numericPrefix(a)
      const y = numericPrefix(b)
      // A column of integers may hold others, too: then the outcome is real.
      const areIntegers = form === 'integer' && Number.isInteger(x) && Number.isInteger(y)
      const outcome = compute(x, y, areIntegers)
      return outcome === null || Number.isNaN(outcome) ? null : outcome === 0 ? 0 : outcome
    },
    { form },
  )
}

const operations: Readonly<
  Record<Operator, (left: number, right: number, areIntegers: boolean) => number | null>
> = {
  '+': (left, right) => left + right,
  '-': (left, right) => left - right,
  '*': (left, right) => left * right,
  '/': (left, right, areIntegers) => {
    if (right === 0) return null
    return areIntegers ? Math.trunc(left / right) : left / right
  },
  '%': (left, right) => {
    const divisor = Math.trunc(right)
    return divisor === 0 ? null : Math.trunc(left) % divisor
  },
}

// Text in a column of numbers counts as an integer or not by what it says, whatever its column.
function isStray(value: Value, { form }: Expression): boolean {
  return typeof value !== 'number' && form !== 'mixed'
}

function outcomeForm(left: Expression, right: Expression): NumberForm {
  if (left.form === 'real' || right.form === 'real') return 'real'
  return left.form === 'integer' && right.form === 'integer' ? 'integer' : 'mixed'
}

export function concatenation(node: OperationNode, left: Expression, right: Expression): Expression {
  const a = textOf(left)
  const b = textOf(right)
  return expression(
    node,
    [left, right],
    (tuple, run) => {
      const x = a(tuple, run)
      const y = b(tuple, run)
      if (x === null || y === null) return null
      if (x instanceof Uint8Array || y instanceof Uint8Array) return refuse('bytes as text', node)
      return x + y
    },
    { form: 'mixed' },
  )
}

/** The expression as text, as SQLite casts it; bytes stay. */
export function textOf(
  operand: Expression,
): (...arguments_: Parameters<Expression['evaluate']>) => string | Uint8Array | null {
  return (tuple, run) => asText(operand, operand.evaluate(tuple, run))
}

export function asText({ form, node }: Expression, value: Value): string | Uint8Array | null {
  if (typeof value === 'string' || value === null) return value
  if (typeof value !== 'number') return plain(value) as string | Uint8Array
  return form === 'mixed' ? refuse('numbers of any kind as text', node) : numberText(value, form)
}
