/** The plan of a select: all that is decided before a row is read. */

import type { OperationNode } from 'kysely'
import type { Aggregate } from './aggregate.ts'
import type { Expression } from './expression.ts'
import type { OrderItem } from './order.ts'
import type { Step } from './steps.ts'

export interface Projection {
  readonly name: string
  readonly expression: Expression
}

export interface Grouping {
  readonly keys: readonly Expression[]
  readonly aggregates: readonly Aggregate[]
  readonly slot: number
  readonly having: Expression | undefined
}

export interface SelectPlan {
  readonly kind: 'select'
  readonly node: OperationNode
  /** How many slots its tuples have; those below `firstSlot` come from the queries around it. */
  readonly width: number
  readonly firstSlot: number
  /** Tested before anything is read. */
  readonly before: readonly Expression[]
  readonly steps: readonly Step[]
  readonly grouping: Grouping | undefined
  /** Empty when rows come in order by themselves. */
  readonly sort: readonly OrderItem[]
  readonly projections: readonly Projection[]
  readonly isDistinct: boolean
  readonly limit: Expression | undefined
  readonly offset: Expression | undefined
  /** The slots of queries around that it reads: 0 when it has the same rows wherever it stands. */
  readonly outerSlots: number
  /** Whether it may look at every row of a large table. */
  readonly isScanAsked: boolean
}
