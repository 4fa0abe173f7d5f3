/** Operators with two operands: comparisons, lists, patterns, arithmetic, text. */

import {
  AndNode,
  BinaryOperationNode,
  type OperationNode,
  PrimitiveValueListNode,
  SelectQueryNode,
  TupleNode,
  ValueListNode,
  ValueNode,
} from 'kysely'
import type { Run } from '../execute/run.ts'
import { like, likePrefix } from '../values/like.ts'
import { boundValue, compareValues, type Value } from '../values/value.ts'
import { arithmetic, concatenation, textOf } from './arithmetic.ts'
import { comparison, converted, convertedValue, isTrue } from './comparison.ts'
import type { CompileOptions } from './compile-options.ts'
import { type ComparisonOperator, constant, type Expression, expression, type Tuple } from './expression.ts'
import { conjunction, negation } from './logic.ts'
import { operatorOf, unwrapped } from './nodes.ts'
import { refuse } from './not-supported.ts'
import { refuseLooseOperands } from './precedence.ts'
import { classOf } from './shape.ts'
import { compileInSelect } from './sub-select.ts'

export function compileBinary(node: BinaryOperationNode, options: CompileOptions): Expression {
  const operator = operatorOf(node.operator)
  if (TupleNode.is(node.leftOperand)) return refuse('tuples', node)
  refuseLooseOperands(node, {
    left: node.leftOperand,
    ...(operator === 'between' ? {} : { right: node.rightOperand }),
  })
  const left = options.compile(node.leftOperand, options)
  switch (operator) {
    case '=':
    case '==':
    case '!=':
    case '<>':
    case '<':
    case '<=':
    case '>':
    case '>=':
    case 'is':
    case 'is not':
    case 'is distinct from':
    case 'is not distinct from':
      return compileComparison(node, operator, left, options)
    case 'in':
    case 'not in':
      return compileIn(node, left, operator === 'not in', options)
    case 'between':
      return compileBetween(node, left, options)
    case 'like':
    case 'not like':
      return compileLike(node, left, operator === 'not like', options)
    case '+':
    case '-':
    case '*':
    case '/':
    case '%':
      return arithmetic(node, operator, left, options.compile(node.rightOperand, options))
    case '||':
      return concatenation(node, left, options.compile(node.rightOperand, options))
    default:
      return refuse(`the operator ${operator}`, node)
  }
}

const synonyms: Readonly<Record<string, ComparisonOperator>> = {
  '==': '=',
  '<>': '!=',
  'is distinct from': 'is not',
  'is not distinct from': 'is',
}

function compileComparison(
  node: BinaryOperationNode,
  written: string,
  left: Expression,
  options: CompileOptions,
): Expression {
  const operator = synonyms[written] ?? (written as ComparisonOperator)
  const { rightOperand } = node
  // `is true` asks for the truth of the left side, whatever its number.
  const literal = literalBoolean(rightOperand)
  if (literal !== undefined && (written === 'is' || written === 'is not'))
    return isTrue(node, left, { wanted: literal, isNegated: written === 'is not' })
  return comparison(node, operator, left, options.compile(rightOperand, options))
}

// To SQLite, membership of an empty list is such a literal, too.
function literalBoolean(node: OperationNode): boolean | undefined {
  const bare = unwrapped(node)
  if (ValueNode.is(bare)) return bare.immediate && typeof bare.value === 'boolean' ? bare.value : undefined
  if (!BinaryOperationNode.is(bare)) return undefined
  const { operator, rightOperand } = bare
  const isEmpty =
    (PrimitiveValueListNode.is(rightOperand) || ValueListNode.is(rightOperand)) &&
    rightOperand.values.length === 0
  return isEmpty ? operatorOf(operator) === 'not in' : undefined
}

function compileIn(
  node: BinaryOperationNode,
  left: Expression,
  isNegated: boolean,
  options: CompileOptions,
): Expression {
  const right = unwrapped(node.rightOperand)
  if (SelectQueryNode.is(right)) {
    const found = compileInSelect(node, left, right, options)
    return isNegated ? negation(node, found) : found
  }
  const { values, operands, isEmpty } = listOf(node, { left, right, options })
  const [value] = converted(node, left, constant(node, null, 'integer'))
  const found = expression(
    node,
    [left, ...operands],
    (tuple, run) => {
      if (isEmpty) return 0
      const wanted = value(tuple, run)
      if (wanted === null) return null
      let outcome: 0 | null = 0
      for (const other of values(tuple, run)) {
        if (other === null) outcome = null
        else if (other === wanted || compareValues(other, wanted) === 0) return 1
      }
      return outcome
    },
    { shape: { kind: 'in', left, values, slots: operands.reduce((slots, item) => slots | item.slots, 0) } },
  )
  return isNegated ? negation(node, found) : found
}

interface List {
  readonly values: (tuple: Tuple, run: Run) => readonly Value[]
  readonly operands: readonly Expression[]
  readonly isEmpty: boolean
}

// The affinity of the left side alone counts: the list is as a column of no affinity.
function listOf(
  node: OperationNode,
  { left, right, options }: { left: Expression; right: OperationNode; options: CompileOptions },
): List {
  if (PrimitiveValueListNode.is(right)) return primitiveList(node, { left, right, options })
  if (!ValueListNode.is(right)) return refuse('this as a list', right)
  const operands = right.values.map((value) => options.compile(value, options))
  const items = operands.map((item) => converted(node, left, { ...item, affinity: 'none' })[1])
  const values = (tuple: Tuple, run: Run) => items.map((item) => item(tuple, run))
  return { values, operands, isEmpty: operands.length === 0 }
}

function primitiveList(
  node: OperationNode,
  { left, right, options }: { left: Expression; right: PrimitiveValueListNode; options: CompileOptions },
): List {
  const convert = convertedValue(node, left.affinity, 'real')
  const place = options.context.places?.get(right)
  const own = place === undefined ? right.values.map(boundValue) : []
  const given = (run: Run) => (place === undefined ? own : (run.parameters[place] as readonly Value[]))
  return {
    values: (_, run) => (convert ? given(run).map(convert) : given(run)),
    operands: [],
    isEmpty: right.values.length === 0,
  }
}

function compileBetween(node: BinaryOperationNode, left: Expression, options: CompileOptions): Expression {
  const { rightOperand } = node
  if (!AndNode.is(rightOperand)) return refuse('this as two bounds', node)
  refuseLooseOperands(node, { right: rightOperand.left })
  refuseLooseOperands(node, { right: rightOperand.right })
  return conjunction(
    node,
    comparison(node, '>=', left, options.compile(rightOperand.left, options)),
    comparison(node, '<=', left, options.compile(rightOperand.right, options)),
  )
}

function compileLike(
  node: BinaryOperationNode,
  left: Expression,
  isNegated: boolean,
  options: CompileOptions,
): Expression {
  const pattern = options.compile(node.rightOperand, options)
  const text = textOf(left)
  const patternText = textOf(pattern)
  const hasPrefix = ValueNode.is(node.rightOperand) && classOf(node.rightOperand.value) === 'text'
  const prefix = (tuple: Tuple, run: Run) => {
    const wanted = pattern.evaluate(tuple, run)
    return typeof wanted === 'string' ? likePrefix(wanted) : ''
  }
  const found = expression(
    node,
    [left, pattern],
    (tuple, run) => {
      const value = text(tuple, run)
      const wanted = patternText(tuple, run)
      if (value instanceof Uint8Array || wanted instanceof Uint8Array) return 0
      if (value === null || wanted === null) return null
      return like(value, wanted) ? 1 : 0
    },
    {
      shape: {
        kind: 'like',
        left,
        prefix,
        hasPrefix,
      },
    },
  )
  return isNegated ? negation(node, found) : found
}
