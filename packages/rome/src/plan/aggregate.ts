/** Aggregates of a query with groups: which there are, and how each is computed. */

import { isDeepStrictEqual } from 'node:util'
import {
  AggregateFunctionNode,
  FunctionNode,
  type OperationNode,
  ReferenceNode,
  SelectAllNode,
  SelectionNode,
} from 'kysely'
import { type Accumulator, accumulators } from '../execute/accumulators.ts'
import type { CompileOptions } from './compile-options.ts'
import type { Expression } from './expression.ts'
import { referenceOf, unwrapped } from './nodes.ts'
import { refuse } from './not-supported.ts'

export interface Aggregate {
  readonly start: () => Accumulator
  /** What is aggregated; undefined for `count(*)`. */
  readonly operand: Expression | undefined
  /** Rows for which it does not hold are left out. */
  readonly filter: Expression | undefined
  readonly isDistinct: boolean
}

/** Collects the aggregates of one query while its expressions are compiled. */
export class Aggregates {
  readonly list: Aggregate[] = []
  /** What is grouped by; undefined as long as that is being found out. */
  keys: readonly Expression[] | undefined

  /** The grouped expression that `node` repeats. */
  keyLike(node: OperationNode, { scope }: CompileOptions): Expression | undefined {
    if (!this.keys || this.keys.length === 0) return undefined
    const bare = unwrapped(node)
    const reference = referenceOf(bare)
    if (!reference) return this.keys.find((key) => isDeepStrictEqual(unwrapped(key.node), bare))
    const resolved = scope.find(reference.name, reference.alias, bare)
    if (!resolved) return undefined
    const { source, column } = resolved
    return this.keys.find(
      (key) => key.column?.slot === source.slot && key.column.position === column.position,
    )
  }
}

export function compileAggregate(node: AggregateFunctionNode, options: CompileOptions): Expression {
  const { aggregates, scope } = options
  if (!aggregates?.keys) return refuse('an aggregate in this place', node)
  if (node.over || node.orderBy || node.withinGroup) return refuse('a window or an ordered aggregate', node)
  const name = node.func.toLowerCase()
  const [argument, ...others] = node.aggregated
  if (others.length > 0) return refuse(`the function ${name} of several values`, node)
  const inner: CompileOptions = { ...options, aggregates: undefined }
  const operand = argument && !isAll(argument) ? inner.compile(argument, inner) : undefined
  const start = accumulators[name]
  if (!start || (!operand && name !== 'count')) return refuse(`the aggregate ${name}`, node)
  const filter = node.filter && inner.compile(node.filter.where, inner)
  const index = aggregates.list.push({ start, operand, filter, isDistinct: node.distinct === true }) - 1
  const slot = scope.aggregateSlot
  return {
    evaluate: (tuple) => tuple[slot]?.[index] ?? null,
    affinity: 'none',
    form: formOf(name, operand),
    decoder: null,
    slots: 1 << slot,
    readsStore: false,
    node,
  }
}

/** Whether the node is an aggregate, be it written as any function is. */
export function isAggregate(node: OperationNode): boolean {
  if (AggregateFunctionNode.is(node)) return true
  return FunctionNode.is(node) && node.arguments.length <= 1 && node.func.toLowerCase() in accumulators
}

function isAll(node: OperationNode): boolean {
  if (SelectionNode.is(node)) return isAll(node.selection)
  return SelectAllNode.is(node) || (ReferenceNode.is(node) && SelectAllNode.is(node.column))
}

function formOf(name: string, operand: Expression | undefined): Expression['form'] {
  if (name === 'count' || !operand) return 'integer'
  if (name === 'avg' || name === 'total') return 'real'
  return name === 'sum' && operand.affinity === 'text' ? 'mixed' : operand.form
}
