/** From a select node to a plan: sources, access paths, conditions, groups, order and what is handed out. */

import {
  AliasNode,
  IdentifierNode,
  type OperationNode,
  ReferenceNode,
  SelectAllNode,
  type SelectionNode,
  type SelectQueryNode,
} from 'kysely'
import { Aggregates, isAggregate } from './aggregate.ts'
import { isScanAsked, refuseClauses } from './clauses.ts'
import { compileExpression } from './compile-expression.ts'
import type { CompileOptions } from './compile-options.ts'
import { referenceOf, tableName, unwrapped } from './nodes.ts'
import { refuse } from './not-supported.ts'
import { compileOrder, type OrderItem } from './order.ts'
import type { PlanContext } from './plan-context.ts'
import { Scope, type Source } from './scope.ts'
import type { Projection, SelectPlan } from './select-plan.ts'
import { planSources } from './sources.ts'
import { planSteps } from './steps.ts'

/** @throws QueryNotSupported */
export function planSelect(node: SelectQueryNode, context: PlanContext, parent?: Scope): SelectPlan {
  refuseClauses(node)
  const scope = new Scope(parent)
  const options: CompileOptions = { context, scope, compile: compileExpression, planSelect }
  const sources = planSources({ froms: node.from?.froms ?? [], joins: node.joins ?? [] }, options)
  scope.check(node)
  const where = node.where && compileExpression(node.where.where, options)
  const aliases = aliasesOf(node.selections ?? [])
  const grouped = groupedOptions(node, { ...options, aliases })
  const projections = compileSelections(node.selections ?? [], grouped)
  const having = node.having && compileExpression(node.having.having, grouped)
  const order = compileOrder(node.orderBy, { ...grouped, aliases, aliasesFirst: true })
  const isDistinct = node.frontModifiers?.some(({ modifier }) => modifier === 'Distinct') === true
  if (isDistinct) refuseForeignOrder(node, order, projections)
  const { aggregates } = grouped
  const limit = node.limit && compileExpression(node.limit.limit, options)
  const planned = planSteps({
    sources,
    where,
    order: aggregates ? [] : order,
    hasLimit: limit !== undefined && !isDistinct,
    options,
  })
  const grouping = aggregates && {
    keys: aggregates.keys ?? [],
    aggregates: aggregates.list,
    slot: scope.aggregateSlot,
    having,
  }
  return Object.freeze({
    kind: 'select',
    node,
    width: scope.width,
    firstSlot: scope.firstSlot,
    before: planned.before,
    steps: planned.steps,
    grouping,
    sort: planned.isOrdered && !aggregates ? [] : order,
    projections,
    isDistinct,
    limit,
    offset: node.offset && compileExpression(node.offset.offset, options),
    outerSlots: scope.outerSlots,
    isScanAsked: isScanAsked(node),
  })
}

/** The columns that `select` or `returning` hands out. */
export function compileSelections(
  selections: readonly SelectionNode[],
  options: CompileOptions,
): readonly Projection[] {
  return selections.flatMap(({ selection }) => compileSelection(selection, options))
}

function compileSelection(node: OperationNode, options: CompileOptions): readonly Projection[] {
  if (SelectAllNode.is(node)) return options.scope.sources.flatMap((source) => allOf(source, node, options))
  if (ReferenceNode.is(node) && SelectAllNode.is(node.column)) {
    const alias = node.table && tableName(node.table)
    const source = options.scope.sources.find((candidate) => candidate.alias === alias)
    return allOf(source ?? refuse('all columns of an unknown table', node), node, options)
  }
  if (AliasNode.is(node)) {
    if (!IdentifierNode.is(node.alias)) return refuse('this alias', node)
    return [{ name: node.alias.name, expression: compileExpression(node.node, options) }]
  }
  const name = referenceOf(node)?.name ?? refuse('an expression without a name', node)
  return [{ name, expression: compileExpression(node, options) }]
}

function allOf(source: Source, node: OperationNode, { aggregates }: CompileOptions): readonly Projection[] {
  if (aggregates?.keys) refuse('all columns of groups', node)
  const { slot } = source
  return source.columns.map(({ name, position, affinity, form, decoder }) => ({
    name,
    expression: {
      evaluate: (tuple) => tuple[slot]?.[position] ?? null,
      affinity,
      form,
      decoder,
      slots: 1 << slot,
      readsStore: false,
      column: { slot, position },
      node,
    },
  }))
}

function aliasesOf(selections: readonly SelectionNode[]): ReadonlyMap<string, OperationNode> {
  const aliases = new Map<string, OperationNode>()
  for (const { selection } of selections)
    if (AliasNode.is(selection) && IdentifierNode.is(selection.alias))
      aliases.set(selection.alias.name, selection.node)
  return aliases
}

// With aggregates, and what is grouped by, when the query has groups; as given otherwise.
function groupedOptions(node: SelectQueryNode, options: CompileOptions): CompileOptions {
  const plain: CompileOptions = { ...options, aliases: undefined }
  const parts = [
    ...(node.selections ?? []),
    ...(node.orderBy?.items ?? []),
    ...(node.having ? [node.having] : []),
  ]
  if (!node.groupBy && !parts.some(hasAggregate)) {
    if (node.having) refuse('having without groups', node)
    return plain
  }
  const aggregates = new Aggregates()
  aggregates.keys = (node.groupBy?.items ?? []).map((item) => compileExpression(item.groupBy, options))
  return { ...plain, aggregates }
}

function hasAggregate(node: unknown): boolean {
  if (typeof node !== 'object' || node === null) return false
  if (Array.isArray(node)) return node.some(hasAggregate)
  if (!('kind' in node)) return false
  if (isAggregate(node as OperationNode)) return true
  if (node.kind === 'SelectQueryNode' || node.kind === 'ReferenceNode') return false
  return Object.values(node).some(hasAggregate)
}

// Rows that look alike may differ in what is not selected, so that their order would be nobody's.
function refuseForeignOrder(
  node: SelectQueryNode,
  order: readonly OrderItem[],
  projections: readonly Projection[],
): void {
  const isSelected = ({ expression }: OrderItem) =>
    projections.some(
      (projection) =>
        unwrapped(projection.expression.node) === unwrapped(expression.node) ||
        (expression.column !== undefined &&
          projection.expression.column?.slot === expression.column.slot &&
          projection.expression.column.position === expression.column.position),
    )
  if (!order.every(isSelected)) refuse('distinct rows in the order of something that is not selected', node)
}
