/** `order by`, item by item. */

import { type OrderByItemNode, type OrderByNode, RawNode } from 'kysely'
import type { CompileOptions } from './compile-options.ts'
import type { Expression } from './expression.ts'
import { refuse } from './not-supported.ts'

export interface OrderItem {
  readonly expression: Expression
  readonly direction: 'asc' | 'desc'
  readonly nulls: 'first' | 'last'
  /** Whether NULL counts as less than everything, as SQLite and our keys have it. */
  readonly hasUsualNulls: boolean
}

export function compileOrder(node: OrderByNode | undefined, options: CompileOptions): readonly OrderItem[] {
  return node ? node.items.map((item) => compileItem(item, options)) : []
}

function compileItem(node: OrderByItemNode, options: CompileOptions): OrderItem {
  if (node.collation) refuse('a collation', node)
  const direction = directionOf(node)
  const usual = direction === 'asc' ? 'first' : 'last'
  const nulls = node.nulls ?? usual
  const expression = options.compile(node.orderBy, options)
  return { expression, direction, nulls, hasUsualNulls: nulls === usual }
}

function directionOf(node: OrderByItemNode): 'asc' | 'desc' {
  const { direction } = node
  if (!direction) return 'asc'
  const text = RawNode.is(direction) ? direction.sqlFragments.join('').trim().toLowerCase() : ''
  return text === 'asc' || text === 'desc' ? text : refuse('this direction', node)
}
