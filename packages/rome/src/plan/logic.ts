/** AND, OR and NOT with three values: what is not known stays so unless the other side decides. */

import type { OperationNode } from 'kysely'
import { truth } from '../values/value.ts'
import { type Expression, expression } from './expression.ts'

export function conjunction(node: OperationNode, left: Expression, right: Expression): Expression {
  const parts = [...partsOf('and', left), ...partsOf('and', right)]
  return expression(
    node,
    parts,
    (tuple, run) => {
      const a = truth(left.evaluate(tuple, run))
      if (a === false) return 0
      const b = truth(right.evaluate(tuple, run))
      if (b === false) return 0
      return a === null || b === null ? null : 1
    },
    { shape: { kind: 'and', parts } },
  )
}

export function disjunction(node: OperationNode, left: Expression, right: Expression): Expression {
  const parts = [...partsOf('or', left), ...partsOf('or', right)]
  return expression(
    node,
    parts,
    (tuple, run) => {
      const a = truth(left.evaluate(tuple, run))
      if (a === true) return 1
      const b = truth(right.evaluate(tuple, run))
      if (b === true) return 1
      return a === null || b === null ? null : 0
    },
    { shape: { kind: 'or', parts } },
  )
}

export function negation(node: OperationNode, operand: Expression): Expression {
  return expression(node, [operand], (tuple, run) => {
    const value = truth(operand.evaluate(tuple, run))
    return value === null ? null : value ? 0 : 1
  })
}

/** The conditions that must all hold for `condition` to hold. */
export function conjuncts(condition: Expression | undefined): readonly Expression[] {
  return condition ? partsOf('and', condition) : []
}

function partsOf(kind: 'and' | 'or', condition: Expression): readonly Expression[] {
  return condition.shape?.kind === kind ? condition.shape.parts : [condition]
}
