/** `from` and joins: which sources a query has, under which names, and how they are joined. */

import {
  AliasNode,
  IdentifierNode,
  type JoinNode,
  type OperationNode,
  SelectQueryNode,
  TableNode,
} from 'kysely'
import type { CompileOptions } from './compile-options.ts'
import { tableName, unwrapped } from './nodes.ts'
import { refuse } from './not-supported.ts'
import type { Source, SourceColumn } from './scope.ts'
import type { SelectPlan } from './select-plan.ts'

export interface PlannedSource {
  readonly source: Source
  readonly kind: 'from' | 'inner' | 'left'
  /** Of a sub-select in the place of a table. */
  readonly subPlan: SelectPlan | undefined
  /** The condition of a join. */
  readonly on: OperationNode | undefined
}

export interface SourceNodes {
  readonly froms: readonly OperationNode[]
  readonly joins: readonly JoinNode[]
}

/** Adds all sources to `scope`. @throws QueryNotSupported */
export function planSources(
  { froms, joins }: SourceNodes,
  options: CompileOptions,
): readonly PlannedSource[] {
  const planned = froms.map(
    (node): PlannedSource => ({
      ...addSource(node, options),
      kind: 'from',
      on: undefined,
    }),
  )
  for (const join of joins) {
    const kind = kindOf(join)
    planned.push({ ...addSource(join.table, options), kind, on: join.on?.on })
  }
  return planned
}

function kindOf(join: JoinNode): 'inner' | 'left' {
  const { joinType } = join
  if (joinType === 'LeftJoin') return 'left'
  if (joinType === 'InnerJoin' || joinType === 'CrossJoin') return 'inner'
  return refuse(`a join of the kind ${joinType}`, join)
}

function addSource(
  node: OperationNode,
  { context, scope, planSelect }: CompileOptions,
): Pick<PlannedSource, 'source' | 'subPlan'> {
  const { inner, alias } = unaliased(node)
  if (alias !== undefined && scope.sources.some((source) => source.alias === alias))
    refuse(`the name ${alias} twice`, node)
  if (TableNode.is(inner)) {
    const name = tableName(inner)
    const table = context.catalogue.tables.get(name) ?? refuse(`the unknown table ${name}`, node)
    return { source: scope.addTable(alias ?? name, table), subPlan: undefined }
  }
  const query = unwrapped(inner)
  if (!SelectQueryNode.is(query)) return refuse('this in the place of a table', node)
  // A sub-select in `from` sees the queries around this one, but not what stands beside it.
  const subPlan = planSelect(query, context, scope.parent)
  const columns = subPlan.projections.map(
    ({ name, expression }, position): SourceColumn => ({
      name,
      position,
      affinity: expression.affinity,
      form: expression.form,
      decoder: expression.decoder,
    }),
  )
  return { source: scope.add(alias ?? '', columns, undefined), subPlan }
}

export function unaliased(node: OperationNode): { inner: OperationNode; alias: string | undefined } {
  if (!AliasNode.is(node)) return { inner: node, alias: undefined }
  if (!IdentifierNode.is(node.alias)) return refuse('this alias', node)
  return { inner: node.node, alias: node.alias.name }
}
