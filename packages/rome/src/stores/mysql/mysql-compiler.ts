/** What MariaDB writes differently from SQLite, so that the same query has the same answer. */

import {
  type BinaryOperationNode,
  type CastNode,
  MysqlQueryCompiler,
  type OperationNode,
  OperatorNode,
  type OrderByItemNode,
  ValueNode,
} from 'kysely'
import { QueryNotSupported } from '../../errors.ts'
import { emptyInResult, isNullSafe } from '../sql/compiling.ts'

export class MariadbCompiler extends MysqlQueryCompiler {
  protected override visitBinaryOperation(node: BinaryOperationNode): void {
    const { leftOperand, rightOperand } = node
    const operator = OperatorNode.is(node.operator) ? node.operator.operator : undefined
    const result = emptyInResult(operator, rightOperand)
    if (operator === '/')
      throw QueryNotSupported({
        what: 'division, which MariaDB does not round as SQLite does',
        fragment: '/',
      })
    if (result !== undefined) this.append(result ? '(1 = 1)' : '(1 = 0)')
    else if (operator === 'like' || operator === 'not like')
      this.#visitLike(leftOperand, operator, rightOperand)
    else if (isNullSafe(operator, rightOperand))
      this.#visitNullSafe(leftOperand, operator === 'is not', rightOperand)
    else super.visitBinaryOperation(node)
  }

  protected override visitOrderByItem(node: OrderByItemNode): void {
    if (node.nulls) {
      this.visitNode(node.orderBy)
      this.append(node.nulls === 'first' ? ' is null desc, ' : ' is null, ')
    }
    this.visitNode(node.orderBy)
    if (node.direction) {
      this.append(' ')
      this.visitNode(node.direction)
    }
  }

  protected override visitCast(node: CastNode): void {
    this.append('cast(')
    this.visitNode(node.expression)
    this.append(' as ')
    const type = 'dataType' in node.dataType ? String(node.dataType.dataType) : ''
    const known = { text: 'char', integer: 'signed', real: 'double' }[type]
    if (known === undefined)
      throw QueryNotSupported({ what: 'a cast to that type', fragment: `cast(… as ${type})` })
    this.append(known)
    this.append(')')
  }

  #visitNullSafe(left: OperationNode, isNegated: boolean, right: OperationNode): void {
    if (isNegated) this.append('not ')
    this.append('(')
    this.visitNode(left)
    this.append(' <=> ')
    this.visitNode(right)
    this.append(')')
  }

  // SQLite's LIKE knows no escape and takes A to Z, and no other letters, as equal to a to z.
  #visitLike(left: OperationNode, operator: 'like' | 'not like', right: OperationNode): void {
    if (!ValueNode.is(right) || typeof right.value !== 'string')
      throw QueryNotSupported({ what: 'a pattern that is not a value', fragment: operator })
    this.visitNode(left)
    this.append(operator === 'like' ? ' regexp ' : ' not regexp ')
    this.appendValue(likeExpression(right.value))
  }
}

/** A regular expression (PCRE) that matches what SQLite's LIKE does. */
export function likeExpression(pattern: string): string {
  const body = Array.from(pattern, (character) => {
    if (character === '%') return '.*'
    if (character === '_') return '.'
    if (/[a-z]/i.test(character)) return `[${character.toLowerCase()}${character.toUpperCase()}]`
    return /[\p{L}\p{N}]/u.test(character) ? character : `\\x{${character.codePointAt(0)?.toString(16)}}`
  })
  return `(?s)\\A${body.join('')}\\z`
}
