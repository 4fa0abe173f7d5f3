/** From a query's node to its plan, which queries of the same shape share. */

import type { OperationNode, RootOperationNode } from 'kysely'
import type { Catalogue } from '../schema/catalogue.ts'
import { refuse } from './not-supported.ts'
import type { PlanContext } from './plan-context.ts'
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
import { type Parameter, parameterPlaces, shapeOf } from './shape.ts'

export type QueryPlan = SelectPlan | InsertPlan | UpdatePlan | DeletePlan

export interface PlannedQuery {
  readonly plan: QueryPlan
  /** The values of this very query. */
  readonly parameters: readonly Parameter[]
}

/** A plan takes some 10 kB; the services together have a few hundred shapes. */
const PLANS_MAX = 1000
/** Longer ones are of statements over many rows, which hardly come twice. */
const SHAPE_CHARACTERS_MAX = 20_000

const plansOf = new WeakMap<Catalogue, Map<string, QueryPlan>>()

/** @throws QueryNotSupported */
export function planQuery(node: RootOperationNode, catalogue: Catalogue): PlannedQuery {
  const { key, parameters } = shapeOf(node)
  const plans = plansOf.get(catalogue)
  const known = plans?.get(key)
  return { plan: known ?? planAnew(node, { catalogue, key }), parameters }
}

function planAnew(
  node: RootOperationNode,
  { catalogue, key }: { readonly catalogue: Catalogue; readonly key: string },
): QueryPlan {
  const places = key.length > SHAPE_CHARACTERS_MAX ? undefined : parameterPlaces(node)
  if (!places) return planNode(node, { catalogue, places: undefined })
  const plan = planNode(node, { catalogue, places })
  const plans = plansOf.get(catalogue) ?? new Map<string, QueryPlan>()
  plansOf.set(catalogue, plans)
  const [oldest] = plans.keys()
  if (plans.size >= PLANS_MAX && oldest !== undefined) plans.delete(oldest)
  plans.set(key, plan)
  return plan
}

function planNode(node: OperationNode, context: PlanContext): QueryPlan {
  const query = node as RootOperationNode
  if (query.kind === 'SelectQueryNode') return planSelect(query, context)
  if (query.kind === 'InsertQueryNode') return planInsert(query, context)
  if (query.kind === 'UpdateQueryNode') return planUpdate(query, context)
  if (query.kind === 'DeleteQueryNode') return planDelete(query, context)
  return refuse(
    query.kind === 'RawNode' ? 'raw SQL' : 'anything but select, insert, update and delete',
    query,
  )
}
