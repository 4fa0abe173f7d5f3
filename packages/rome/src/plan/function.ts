/** The functions of one row that ROME knows, as SQLite defines them (https://sqlite.org/lang_corefunc.html). */

import { AggregateFunctionNode, type FunctionNode } from 'kysely'
import { lowerAscii, upperAscii } from '../values/like.ts'
import { numericPrefix } from '../values/value.ts'
import { compileAggregate, isAggregate } from './aggregate.ts'
import { asText } from './arithmetic.ts'
import { commonForm } from './case.ts'
import type { CompileOptions } from './compile-options.ts'
import { type Expression, expression } from './expression.ts'
import { refuse } from './not-supported.ts'

export function compileFunction(node: FunctionNode, options: CompileOptions): Expression {
  if (isAggregate(node))
    return compileAggregate(AggregateFunctionNode.create(node.func, node.arguments), options)
  const operands = node.arguments.map((argument) => options.compile(argument, options))
  const name = node.func.toLowerCase()
  const [first] = operands
  if ((name === 'coalesce' && operands.length >= 2) || (name === 'ifnull' && operands.length === 2))
    return coalesce(node, operands)
  if (!first || operands.length !== 1) return refuse(`the function ${node.func}`, node)
  switch (name) {
    case 'lower':
      return ofText(node, first, lowerAscii)
    case 'upper':
      return ofText(node, first, upperAscii)
    case 'length':
      return length(node, first)
    case 'abs':
      return absolute(node, first)
    default:
      return refuse(`the function ${node.func}`, node)
  }
}

function coalesce(node: FunctionNode, operands: readonly Expression[]): Expression {
  return expression(
    node,
    operands,
    (tuple, run) => {
      for (const operand of operands) {
        const value = operand.evaluate(tuple, run)
        if (value !== null) return value
      }
      return null
    },
    { form: commonForm(operands) },
  )
}

function ofText(node: FunctionNode, operand: Expression, change: (text: string) => string): Expression {
  return expression(
    node,
    [operand],
    (tuple, run) => {
      const text = asText(operand, operand.evaluate(tuple, run))
      if (text instanceof Uint8Array) return refuse('bytes as text', node)
      return text === null ? null : change(text)
    },
    { form: 'mixed' },
  )
}

// In characters up to the first NUL, or in bytes.
function length(node: FunctionNode, operand: Expression): Expression {
  return expression(node, [operand], (tuple, run) => {
    const text = asText(operand, operand.evaluate(tuple, run))
    if (text === null) return null
    return text instanceof Uint8Array ? text.length : Array.from(text.split('\0', 1)[0] ?? '').length
  })
}

// Of text it is always real, whatever the text says.
function absolute(node: FunctionNode, operand: Expression): Expression {
  const form = operand.affinity === 'text' ? 'real' : operand.form
  return expression(
    node,
    [operand],
    (tuple, run) => {
      const value = operand.evaluate(tuple, run)
      if (value === null) return null
      if (typeof value !== 'number' && form !== 'real') return refuse('the amount of what is no number', node)
      return Math.abs(numericPrefix(value))
    },
    { form },
  )
}
