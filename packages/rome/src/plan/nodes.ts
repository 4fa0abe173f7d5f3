/** Small questions to Kysely's nodes. */

import { ColumnNode, type OperationNode, ParensNode, ReferenceNode, TableNode } from 'kysely'
import { refuse } from './not-supported.ts'

/** The name and the alias of a reference; undefined for what is none. */
export function referenceOf(
  node: OperationNode,
): { readonly name: string; readonly alias: string | undefined } | undefined {
  if (ColumnNode.is(node)) return { name: node.column.name, alias: undefined }
  if (!ReferenceNode.is(node) || !ColumnNode.is(node.column)) return undefined
  return { name: node.column.column.name, alias: node.table && tableName(node.table) }
}

/** @throws QueryNotSupported for a table of another schema */
export function tableName(node: OperationNode): string {
  if (!TableNode.is(node)) return refuse('this in the place of a table', node)
  if (node.table.schema) refuse('a schema', node)
  return node.table.identifier.name
}

export function operatorOf(node: OperationNode): string {
  return 'operator' in node ? String(node.operator) : refuse('this operator', node)
}

export function unwrapped(node: OperationNode): OperationNode {
  return ParensNode.is(node) ? unwrapped(node.node) : node
}
