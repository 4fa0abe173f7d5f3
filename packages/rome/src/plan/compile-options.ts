/** What is known where an expression is compiled. The two functions are handed down, so that no file needs one that needs it. */

import type { OperationNode, SelectQueryNode } from 'kysely'
import type { Aggregates } from './aggregate.ts'
import type { Expression } from './expression.ts'
import type { PlanContext } from './plan-context.ts'
import type { Scope } from './scope.ts'
import type { SelectPlan } from './select-plan.ts'

export interface CompileOptions {
  /** Compiles what an expression is made of. */
  readonly compile: (node: OperationNode, options: CompileOptions) => Expression
  /** Plans a sub-select. */
  readonly planSelect: (node: SelectQueryNode, context: PlanContext, parent?: Scope) => SelectPlan
  readonly context: PlanContext
  readonly scope: Scope
  /** Where aggregates are allowed: collects them. */
  readonly aggregates?: Aggregates | undefined
  /** Names given by `select`: `order by` and `group by` may use them. */
  readonly aliases?: ReadonlyMap<string, OperationNode> | undefined
  /** Whether such a name hides a column that is called so, as in `order by`. */
  readonly aliasesFirst?: boolean
}
