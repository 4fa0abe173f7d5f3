/** From a query's node to its plan, which is kept with the node: whoever runs a query twice plans it once. */

import type { RootOperationNode } from 'kysely'
import type { Catalogue } from '../schema/catalogue.ts'
import { refuse } from './not-supported.ts'
import { planSelect } from './plan-select.ts'
import {
  type DeletePlan,
  type InsertPlan,
  planDelete,
  planInsert,
  planUpdate,
  type UpdatePlan,
} from './plan-write.ts'
import type { SelectPlan } from './select-plan.ts'

export type QueryPlan = SelectPlan | InsertPlan | UpdatePlan | DeletePlan

interface Kept {
  readonly catalogue: Catalogue
  readonly plan: QueryPlan
}

const plans = new WeakMap<RootOperationNode, Kept>()

/** @throws QueryNotSupported */
export function planQuery(node: RootOperationNode, catalogue: Catalogue): QueryPlan {
  const kept = plans.get(node)
  if (kept?.catalogue === catalogue) return kept.plan
  const plan = planNode(node, catalogue)
  plans.set(node, { catalogue, plan })
  return plan
}

function planNode(node: RootOperationNode, catalogue: Catalogue): QueryPlan {
  if (node.kind === 'SelectQueryNode') return planSelect(node, catalogue)
  if (node.kind === 'InsertQueryNode') return planInsert(node, catalogue)
  if (node.kind === 'UpdateQueryNode') return planUpdate(node, catalogue)
  if (node.kind === 'DeleteQueryNode') return planDelete(node, catalogue)
  return refuse(node.kind === 'RawNode' ? 'raw SQL' : 'anything but select, insert, update and delete', node)
}
