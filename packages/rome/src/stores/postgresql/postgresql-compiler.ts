/** What PostgreSQL writes differently from SQLite, so that the same query has the same answer. */

import {
  type BinaryOperationNode,
  ColumnNode,
  OperatorNode,
  type OrderByItemNode,
  PostgresQueryCompiler,
  RawNode,
  ReferenceNode,
  SelectQueryNode,
} from 'kysely'
import type { Catalogue } from '../sql/catalogue.ts'
import { emptyInResult, isNullSafe } from '../sql/compiling.ts'

export class PostgresqlCompiler extends PostgresQueryCompiler {
  readonly #catalogue: Catalogue

  constructor(catalogue: Catalogue) {
    super()
    this.#catalogue = catalogue
  }

  protected override visitBinaryOperation(node: BinaryOperationNode): void {
    const { leftOperand, rightOperand } = node
    const operator = OperatorNode.is(node.operator) ? node.operator.operator : undefined
    const result = emptyInResult(operator, rightOperand)
    const written = otherOperator(operator, isNullSafe(operator, rightOperand))
    if (result !== undefined) this.append(result ? '(1 = 1)' : '(1 = 0)')
    else if (written === undefined) super.visitBinaryOperation(node)
    else {
      this.visitNode(leftOperand)
      this.append(` ${written} `)
      this.visitNode(rightOperand)
      // SQLite's LIKE knows no escape.
      if (written.endsWith('like')) this.append(" escape ''")
    }
  }

  // NULL comes first in SQLite. What cannot be NULL needs no word, and finds the index of its primary key.
  protected override visitOrderByItem(node: OrderByItemNode): void {
    const { direction } = node
    const isDescending = direction && RawNode.is(direction) && direction.sqlFragments[0] === 'desc'
    const nulls = node.nulls ?? (this.#mayBeNull(node) ? (isDescending ? 'last' : 'first') : undefined)
    super.visitOrderByItem(nulls === undefined ? node : { ...node, nulls })
  }

  #mayBeNull({ orderBy }: OrderByItemNode): boolean {
    const isOuter = this.nodeStack.some(
      (node) =>
        SelectQueryNode.is(node) && node.joins?.some(({ joinType }) => !/^(Inner|Cross)/.test(joinType)),
    )
    if (isOuter || !ReferenceNode.is(orderBy) || !ColumnNode.is(orderBy.column)) return true
    return this.#catalogue.mayBeNull(orderBy.column.column.name)
  }
}

// Columns compare by code point (collation "C"), where ILIKE folds A to Z only, as SQLite's LIKE does.
function otherOperator(operator: string | undefined, isNullSafeOne: boolean): string | undefined {
  if (operator === 'like') return 'ilike'
  if (operator === 'not like') return 'not ilike'
  if (!isNullSafeOne) return undefined
  return operator === 'is' ? 'is not distinct from' : 'is distinct from'
}
