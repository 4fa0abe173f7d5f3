/** Expressions of a plan: how to evaluate one over a tuple, and what the planner must know of it. */

import type { OperationNode } from 'kysely'
import type { Run } from '../execute/run.ts'
import type { Affinity, NumberForm } from '../values/affinity.ts'
import type { StoredRow, Value } from '../values/value.ts'
import type { Decoder } from './scope.ts'

/** One row of each source by slot, null where a left join found none, undefined where none was read yet. */
export type Tuple = readonly (StoredRow | null | undefined)[]

export interface Expression {
  readonly evaluate: (tuple: Tuple, run: Run) => Value
  readonly affinity: Affinity
  readonly form: NumberForm
  readonly decoder: Decoder
  /** The slots that it reads, one bit each; those of the queries around included. */
  readonly slots: number
  /** Whether it runs a sub-select, and so may find something missing. */
  readonly readsStore: boolean
  /** The only value that it has, when the shape of the query says so. */
  readonly constant?: { readonly value: Value }
  /** Whether it is a value that the query was given. */
  readonly isParameter?: boolean
  /** Set when it is a column and nothing else. */
  readonly column?: { readonly slot: number; readonly position: number }
  /** What the planner can use of a condition. */
  readonly shape?: Shape
  /** Where it stands in the query, to be shown. */
  readonly node: OperationNode
}

export type ComparisonOperator = '=' | '!=' | '<' | '<=' | '>' | '>=' | 'is' | 'is not'

/** A condition as far as an index could serve it. */
export type Shape =
  | { readonly kind: 'and' | 'or'; readonly parts: readonly Expression[] }
  | {
      readonly kind: 'compare'
      readonly operator: ComparisonOperator
      readonly left: Expression
      readonly right: Expression
    }
  | {
      readonly kind: 'in'
      readonly left: Expression
      /** Converted as a comparison with `left` asks for. */
      readonly values: (tuple: Tuple, run: Run) => readonly Value[]
      /** The slots that `values` reads. */
      readonly slots: number
    }
  | {
      readonly kind: 'like'
      readonly left: Expression
      /** What everything that matches begins with, in any case. */
      readonly prefix: (tuple: Tuple, run: Run) => string
      /** Whether that is known to be something, and the same for all rows. */
      readonly hasPrefix: boolean
    }

/** An expression of no affinity that gives integers or no numbers, unless `properties` say otherwise. */
export function expression(
  node: OperationNode,
  operands: readonly Expression[],
  evaluate: Expression['evaluate'],
  properties: Partial<Pick<Expression, 'affinity' | 'form' | 'decoder' | 'readsStore' | 'shape'>> = {},
): Expression {
  let slots = 0
  let readsStore = false
  for (const operand of operands) {
    slots |= operand.slots
    readsStore ||= operand.readsStore
  }
  return {
    evaluate,
    affinity: 'none',
    form: 'integer',
    decoder: null,
    slots,
    readsStore,
    node,
    ...properties,
  }
}

export function constant(node: OperationNode, value: Value, form: NumberForm): Expression {
  return {
    evaluate: () => value,
    affinity: 'none',
    form,
    decoder: null,
    slots: 0,
    readsStore: false,
    constant: { value },
    node,
  }
}

/** A value that the query was given: known when it runs. */
export function parameter(node: OperationNode, place: number, form: NumberForm): Expression {
  return {
    evaluate: (_, run) => run.parameters[place] as Value,
    affinity: 'none',
    form,
    decoder: null,
    slots: 0,
    readsStore: false,
    isParameter: true,
    node,
  }
}
