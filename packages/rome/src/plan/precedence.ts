/**
 * A tree says what belongs together, SQL text says it by precedence and parentheses, and Kysely writes no parentheses that
 * it was not given. A tree whose text SQLite would read otherwise is refused, so that all stores give one answer.
 */

import { AndNode, BinaryOperationNode, type OperationNode, OrNode, UnaryOperationNode } from 'kysely'
import { operatorOf } from './nodes.ts'
import { refuse } from './not-supported.ts'

// https://sqlite.org/lang_expr.html, section 2.
const OR = 1
const AND = 2
const NOT = 3
const EQUALITY = 4
const strengths: Readonly<Record<string, number>> = {
  '<': 5,
  '<=': 5,
  '>': 5,
  '>=': 5,
  '+': 7,
  '-': 7,
  '*': 8,
  '/': 8,
  '%': 8,
  '||': 9,
}
/** Stronger than every operator: what needs no parentheses. */
const ATOM = 10

export function strengthOf(node: OperationNode): number {
  if (BinaryOperationNode.is(node)) return strengths[operatorOf(node.operator)] ?? EQUALITY
  if (AndNode.is(node)) return AND
  if (OrNode.is(node)) return OR
  return UnaryOperationNode.is(node) && operatorOf(node.operator) === 'not' ? NOT : ATOM
}

/** @throws QueryNotSupported when an operand would not stay together in SQL: write `eb.parens(…)` around it */
export function refuseLooseOperands(
  node: OperationNode,
  { left, right }: { readonly left?: OperationNode; readonly right?: OperationNode },
): void {
  const strength = strengthOf(node)
  const isAssociative = strength <= AND
  if (left && strengthOf(left) < strength) refuse('an operand that needs parentheses', node)
  if (!right) return
  const needed = isAssociative ? strength : strength + 1
  if (strengthOf(right) < needed) refuse('an operand that needs parentheses', node)
}
