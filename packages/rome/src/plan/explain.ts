/** A plan in words: what is read through which key, in which order, and what is left to do with the rows. */

import type { OperationNodeSource, RootOperationNode } from 'kysely'
import { catalogueOf } from '../schema/catalogue.ts'
import type { Table } from '../schema/define-table.ts'
import { type AccessPath, isScan, type KeyPath } from './access-path.ts'
import type { Expression } from './expression.ts'
import { fragmentOf } from './not-supported.ts'
import type { OrderItem } from './order.ts'
import { planQuery } from './plan-query.ts'
import type { SelectPlan } from './select-plan.ts'
import type { Step } from './steps.ts'

/**
 * How ROME would run `query` over `tables`, one line for each operator, in the order in which rows pass them. Runs nothing.
 * @throws QueryNotSupported
 */
export function explain(query: OperationNodeSource, tables: readonly Table[]): string {
  const { plan } = planQuery(query.toOperationNode() as RootOperationNode, catalogueOf(tables))
  switch (plan.kind) {
    case 'select':
      return selectLines(plan).join('\n')
    case 'insert': {
      const source = 'kind' in plan.rows ? selectLines(plan.rows) : [`take ${plan.rows.length} rows`]
      const conflict = plan.conflict
        ? [`where a key is taken, ${plan.conflict.assignments ? 'update' : 'do nothing'}`]
        : []
      return [...source, ...conflict, `insert into ${plan.table.name}`].join('\n')
    }
    case 'update':
      return [...selectLines(plan.rows), `update ${plan.table.name}`].join('\n')
    case 'delete':
      return [...selectLines(plan.rows), `delete from ${plan.table.name}`].join('\n')
  }
}

function selectLines(plan: SelectPlan): readonly string[] {
  const { before, steps, grouping, sort, isDistinct, limit, offset } = plan
  return [
    ...conditionLines('only where', before),
    ...steps.flatMap((step, at) => stepLines(step, at === 0)),
    ...(grouping
      ? [groupLine(grouping.keys), ...conditionLines('keep groups where', [grouping.having])]
      : []),
    ...(sort.length > 0 ? [`sort by ${sort.map(orderText).join(', ')}`] : []),
    ...(isDistinct ? ['leave out rows that came before'] : []),
    ...(offset ? [`leave out the first ${fragmentOf(offset.node)}`] : []),
    ...(limit ? [`end after ${fragmentOf(limit.node)}`] : []),
  ]
}

function stepLines(step: Step, isFirst: boolean): readonly string[] {
  const { source, path, subPlan, kind } = step
  const name =
    source.table && source.table.name !== source.alias
      ? `${source.table.name} as ${source.alias}`
      : source.alias
  const verb = isFirst && kind === 'inner' ? 'read' : kind === 'left' ? 'left join' : 'join'
  const how = path ? pathText(path) : 'from a sub-select'
  const matched = isFirst ? '' : matchText(step)
  return [
    `${verb} ${name} ${how}${matched}`,
    ...(subPlan ? selectLines(subPlan).map((line) => `  ${line}`) : []),
    ...conditionLines('  where', step.residual),
    ...conditionLines('keep where', step.filter),
  ]
}

function matchText({ path, hash }: Step): string {
  if (hash) return ', once, matched by hash'
  return path && path.slots !== 0 ? ', the look-ups of a batch together' : ', once, each with each'
}

function pathText(path: AccessPath): string {
  if (path.kind === 'union') return `by any of: ${path.branches.map(pathText).join('; ')}`
  const order = path.isReversed ? ', backwards' : ''
  if (isScan(path))
    return `${path.rowsOf === null ? 'whole' : `whole, in the order of ${path.space}`}${order}`
  const key = path.rowsOf === null ? 'its key' : path.space
  return `by ${key}: ${keyText(path)}${order}`
}

function keyText({ columns, prefix, range }: KeyPath): string {
  const points = prefix.map(({ isSingle }, at) => `${columns[at]}${isSingle ? '' : ' (several)'}`)
  return [...points, ...(range ? [`a range of ${columns[prefix.length]}`] : [])].join(', ')
}

function groupLine(keys: readonly Expression[]): string {
  return keys.length === 0
    ? 'aggregate all'
    : `group by ${keys.map(({ node }) => fragmentOf(node)).join(', ')}`
}

function conditionLines(words: string, conditions: readonly (Expression | undefined)[]): readonly string[] {
  return conditions.flatMap((condition) => (condition ? [`${words} ${fragmentOf(condition.node)}`] : []))
}

function orderText({ expression, direction }: OrderItem): string {
  return `${fragmentOf(expression.node)}${direction === 'desc' ? ' desc' : ''}`
}
