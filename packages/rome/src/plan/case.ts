/** CASE, with and without a value that is compared. */

import type { CaseNode, OperationNode } from 'kysely'
import type { NumberForm } from '../values/affinity.ts'
import { truth } from '../values/value.ts'
import { equalValues } from './comparison.ts'
import type { CompileOptions } from './compile-options.ts'
import { type Expression, expression } from './expression.ts'
import { refuse } from './not-supported.ts'

export function compileCase(node: CaseNode, options: CompileOptions): Expression {
  const compile = (part: OperationNode) => options.compile(part, options)
  const value = node.value && compile(node.value)
  const branches = (node.when ?? []).map(({ condition, result }) => ({
    condition: compile(condition),
    result: result ? compile(result) : refuse('a case without a result', node),
  }))
  const otherwise = node.else && compile(node.else)
  const tests = branches.map(({ condition, result }) => ({
    holds: value
      ? equalValues(node, value, condition)
      : (...at: Parameters<Expression['evaluate']>) => truth(condition.evaluate(...at)),
    result,
  }))
  const results = [...branches.map(({ result }) => result), ...(otherwise ? [otherwise] : [])]
  const operands = [...results, ...branches.map(({ condition }) => condition), ...(value ? [value] : [])]
  return expression(
    node,
    operands,
    (tuple, run) => {
      const found = tests.find(({ holds }) => holds(tuple, run) === true)
      return (found ? found.result : otherwise)?.evaluate(tuple, run) ?? null
    },
    { form: commonForm(results) },
  )
}

/** What numbers look like that come from one of several expressions. */
export function commonForm(expressions: readonly Expression[]): NumberForm {
  const relevant = expressions.filter(
    ({ affinity, form, constant, isParameter }) =>
      affinity !== 'text' &&
      !(isParameter && form === 'mixed') &&
      (!constant || typeof constant.value === 'number'),
  )
  const [first] = relevant
  if (!first) return 'integer'
  return relevant.every(({ form }) => form === first.form) ? first.form : 'mixed'
}
