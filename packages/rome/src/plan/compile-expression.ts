/** From Kysely's nodes to expressions: names are resolved and conversions chosen once, before any row is read. */

import {
  AggregateFunctionNode,
  AndNode,
  BinaryOperationNode,
  CaseNode,
  ColumnNode,
  FunctionNode,
  type OperationNode,
  OrNode,
  ParensNode,
  RawNode,
  ReferenceNode,
  SelectQueryNode,
  UnaryOperationNode,
  ValueNode,
} from 'kysely'
import type { NumberForm } from '../values/affinity.ts'
import { boundValue } from '../values/value.ts'
import { compileAggregate } from './aggregate.ts'
import { compileBinary } from './binary-operation.ts'
import { compileCase } from './case.ts'
import type { CompileOptions } from './compile-options.ts'
import { constant, type Expression, parameter } from './expression.ts'
import { compileFunction } from './function.ts'
import { conjunction, disjunction, negation } from './logic.ts'
import { operatorOf, referenceOf, unwrapped } from './nodes.ts'
import { refuse } from './not-supported.ts'
import { refuseLooseOperands } from './precedence.ts'
import { classOf } from './shape.ts'
import { compileExists, compileScalarSelect } from './sub-select.ts'

/** @throws QueryNotSupported for what lies outside the subset, and for names that there are not */
export function compileExpression(node: OperationNode, options: CompileOptions): Expression {
  if (options.aggregates?.keys && !isAliased(node, options)) {
    const key = options.aggregates.keyLike(node, options)
    if (key) return key
  }
  if (ReferenceNode.is(node) || ColumnNode.is(node)) return compileReference(node, options)
  if (ValueNode.is(node)) return compileValue(node, options)
  if (BinaryOperationNode.is(node)) return compileBinary(node, options)
  if (ParensNode.is(node)) return compileExpression(node.node, options)
  if (AndNode.is(node) || OrNode.is(node)) refuseLooseOperands(node, node)
  if (AndNode.is(node))
    return conjunction(node, compileExpression(node.left, options), compileExpression(node.right, options))
  if (OrNode.is(node))
    return disjunction(node, compileExpression(node.left, options), compileExpression(node.right, options))
  if (UnaryOperationNode.is(node)) return compileUnary(node, options)
  if (AggregateFunctionNode.is(node)) return compileAggregate(node, options)
  if (FunctionNode.is(node)) return compileFunction(node, options)
  if (CaseNode.is(node)) return compileCase(node, options)
  if (SelectQueryNode.is(node)) return compileScalarSelect(node, options)
  if (RawNode.is(node)) return compileRaw(node, options)
  return refuse('this expression', node)
}

function isAliased(node: OperationNode, { aliases, aliasesFirst }: CompileOptions): boolean {
  const reference = aliases && aliasesFirst ? referenceOf(node) : undefined
  return reference !== undefined && reference.alias === undefined && aliases?.has(reference.name) === true
}

function compileReference(node: OperationNode, options: CompileOptions): Expression {
  const reference = referenceOf(node)
  if (!reference) return refuse('all columns as one expression', node)
  const { name, alias } = reference
  const aliased = alias === undefined ? options.aliases?.get(name) : undefined
  if (aliased && options.aliasesFirst) return compileExpression(aliased, withoutAliases(options))
  const resolved = options.scope.find(name, alias, node)
  if (!resolved) {
    if (aliased) return compileExpression(aliased, withoutAliases(options))
    return refuse(`the unknown column ${name}`, node)
  }
  if (options.aggregates?.keys && resolved.depth === 0)
    return refuse('a column that is neither grouped nor aggregated', node)
  const { slot } = resolved.source
  const { position, affinity, form, decoder } = resolved.column
  return {
    evaluate: (tuple) => tuple[slot]?.[position] ?? null,
    affinity,
    form,
    decoder,
    slots: 1 << slot,
    readsStore: false,
    column: { slot, position },
    node,
  }
}

// Names given by `select` are not visible inside of `select`.
function withoutAliases(options: CompileOptions): CompileOptions {
  return { ...options, aliases: undefined }
}

// SQLite's driver binds every number as a real one; only literals are integers.
function compileValue(node: ValueNode, { context }: CompileOptions): Expression {
  const { value, immediate } = node
  if (immediate) return constant(node, boundValue(value), literalForm(value))
  const place = context.places?.get(node)
  return place === undefined
    ? constant(node, boundValue(value), formOf(value))
    : parameter(node, place, formOf(value))
}

function literalForm(value: unknown): NumberForm {
  return typeof value === 'boolean' || Number.isInteger(value) ? 'integer' : formOf(value)
}

function formOf(value: unknown): NumberForm {
  const class_ = classOf(value)
  if (class_ === 'null') return 'integer'
  return class_ === 'number' ? 'real' : 'mixed'
}

function compileUnary(node: UnaryOperationNode, options: CompileOptions): Expression {
  const operator = operatorOf(node.operator)
  if (operator === 'exists' || operator === 'not exists')
    return compileExists(node, unwrapped(node.operand), operator === 'exists', options)
  refuseLooseOperands(node, { right: node.operand })
  const operand = compileExpression(node.operand, options)
  if (operator === 'not') return negation(node, operand)
  return refuse(`the operator ${operator}`, node)
}

// `sql.ref('name')` and `sql`${value}`` are a raw node around one other.
function compileRaw(node: RawNode, options: CompileOptions): Expression {
  const [only, ...others] = node.parameters
  const isBare = node.sqlFragments.every((fragment) => fragment.trim() === '')
  if (!only || others.length > 0 || !isBare) return refuse('raw SQL', node)
  return compileExpression(only, options)
}
