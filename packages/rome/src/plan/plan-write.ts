/** Plans of insert, update and delete. */

import {
  ColumnNode,
  type ColumnUpdateNode,
  DefaultInsertValueNode,
  type DeleteQueryNode,
  FromNode,
  type InsertQueryNode,
  type OnConflictNode,
  type OperationNode,
  PrimitiveValueListNode,
  type ReturningNode,
  SelectQueryNode,
  type UpdateQueryNode,
  ValueListNode,
  ValuesNode,
} from 'kysely'
import type { CatalogueColumn, CatalogueTable } from '../schema/catalogue.ts'
import { boundValue, type Value } from '../values/value.ts'
import { refuseClauses } from './clauses.ts'
import { compileExpression } from './compile-expression.ts'
import type { CompileOptions } from './compile-options.ts'
import { constant, type Expression, parameter } from './expression.ts'
import { tableName, unwrapped } from './nodes.ts'
import { refuse } from './not-supported.ts'
import type { PlanContext } from './plan-context.ts'
import { compileSelections, planSelect } from './plan-select.ts'
import { Scope } from './scope.ts'
import type { Projection, SelectPlan } from './select-plan.ts'
import { unaliased } from './sources.ts'

export interface Assignment {
  readonly column: CatalogueColumn
  readonly expression: Expression
}

export interface ConflictPlan {
  /** The key that may be taken already; undefined for any. */
  readonly target: readonly string[] | undefined
  /** Undefined: nothing is done then. They see the row that is there, and beside it the new one as `excluded`. */
  readonly assignments: readonly Assignment[] | undefined
  readonly where: Expression | undefined
}

export interface InsertPlan {
  readonly kind: 'insert'
  readonly node: InsertQueryNode
  readonly table: CatalogueTable
  readonly columns: readonly CatalogueColumn[]
  /** Each with a value for each of `columns`; or a select that gives such. */
  readonly rows: readonly (readonly Expression[])[] | SelectPlan
  readonly conflict: ConflictPlan | undefined
  readonly returning: readonly Projection[] | undefined
}

export interface UpdatePlan {
  readonly kind: 'update'
  readonly node: UpdateQueryNode
  readonly table: CatalogueTable
  readonly rows: SelectPlan
  readonly assignments: readonly Assignment[]
  readonly returning: readonly Projection[] | undefined
}

export interface DeletePlan {
  readonly kind: 'delete'
  readonly node: DeleteQueryNode
  readonly table: CatalogueTable
  readonly rows: SelectPlan
  readonly returning: readonly Projection[] | undefined
}

/** The slots of a write's expressions: the row itself, and of an insert what it wanted to be. */
export const OWN_SLOT = 0
export const EXCLUDED_SLOT = 1

export function planInsert(node: InsertQueryNode, context: PlanContext): InsertPlan {
  refuseClauses(node)
  const into = node.into ?? refuse('no table', node)
  const { table, options } = target(into, context)
  const columns = (node.columns ?? []).map(({ column }) => columnOf(table, column.name, node))
  refuseMissingRowId(node, table, columns)
  return Object.freeze({
    kind: 'insert',
    node,
    table,
    columns,
    rows: insertedRows(node, columns, context),
    conflict: node.onConflict && planConflict(node.onConflict, table, options),
    returning: compileReturning(node.returning, options),
  })
}

export function planUpdate(node: UpdateQueryNode, context: PlanContext): UpdatePlan {
  refuseClauses(node)
  if (node.from || node.joins || node.limit || node.orderBy)
    refuse('update with from, joins, order or limit', node)
  const tableNode = node.table ?? refuse('no table', node)
  const { table, options } = target(tableNode, context)
  return Object.freeze({
    kind: 'update',
    node,
    table,
    rows: planRows(node, tableNode, context),
    assignments: compileAssignments(node.updates ?? [], table, options),
    returning: compileReturning(node.returning, options),
  })
}

export function planDelete(node: DeleteQueryNode, context: PlanContext): DeletePlan {
  refuseClauses(node)
  if (node.joins || node.limit || node.orderBy) refuse('delete with joins, order or limit', node)
  const [from, ...others] = node.from.froms
  if (!from || others.length > 0) return refuse('delete from several tables', node)
  const { table, options } = target(from, context)
  return Object.freeze({
    kind: 'delete',
    node,
    table,
    rows: planRows(node, from, context),
    returning: compileReturning(node.returning, options),
  })
}

function target(
  node: OperationNode,
  context: PlanContext,
): { readonly table: CatalogueTable; readonly options: CompileOptions } {
  const { inner, alias } = unaliased(node)
  const name = tableName(inner)
  const table = context.catalogue.tables.get(name) ?? refuse(`the unknown table ${name}`, node)
  const scope = new Scope()
  scope.addTable(alias ?? name, table)
  return { table, options: { context, scope, compile: compileExpression, planSelect } }
}

// The rows of an update or a delete, as a select would find them.
function planRows(
  { where, endModifiers }: UpdateQueryNode | DeleteQueryNode,
  from: OperationNode,
  context: PlanContext,
): SelectPlan {
  const select: SelectQueryNode = {
    kind: 'SelectQueryNode',
    from: FromNode.create([from]),
    ...(where ? { where } : {}),
    ...(endModifiers ? { endModifiers: endModifiers as NonNullable<SelectQueryNode['endModifiers']> } : {}),
  }
  return planSelect(select, context)
}

function columnOf(table: CatalogueTable, name: string, node: OperationNode): CatalogueColumn {
  return table.columnsByName.get(name) ?? refuse(`the unknown column ${name}`, node)
}

// SQLite would make up a number: a single integer as primary key is its row id.
function refuseMissingRowId(
  node: InsertQueryNode,
  { primaryKey }: CatalogueTable,
  columns: readonly CatalogueColumn[],
): void {
  const [only, ...others] = primaryKey
  if (only?.kind === 'integer' && others.length === 0 && !columns.includes(only))
    refuse('a primary key that the store would have to make up', node)
}

function insertedRows(
  node: InsertQueryNode,
  columns: readonly CatalogueColumn[],
  context: PlanContext,
): InsertPlan['rows'] {
  const { values } = node
  const query = values && unwrapped(values)
  if (query && SelectQueryNode.is(query)) {
    const plan = planSelect(query, context)
    return plan.projections.length === columns.length
      ? plan
      : refuse('another number of values than columns', node)
  }
  if (!query || !ValuesNode.is(query)) return refuse('this in the place of values', node)
  const options = { context, scope: new Scope(), compile: compileExpression, planSelect }
  return query.values.map((item) => {
    if (PrimitiveValueListNode.is(item)) return givenValues(item, context)
    if (!ValueListNode.is(item)) return refuse('this in the place of values', node)
    return item.values.map((value) =>
      // As Kysely writes it for SQLite, where one row of several leaves out what others name.
      DefaultInsertValueNode.is(value) ? constant(value, null, 'integer') : compileExpression(value, options),
    )
  })
}

function givenValues(node: PrimitiveValueListNode, { places }: PlanContext): readonly Expression[] {
  const place = places?.get(node)
  if (place === undefined) return node.values.map((value) => constant(node, boundValue(value), 'real'))
  return node.values.map((_, at) => ({
    ...parameter(node, place, 'real'),
    evaluate: (_tuple, run) => (run.parameters[place] as readonly Value[])[at] as Value,
  }))
}

function planConflict(node: OnConflictNode, table: CatalogueTable, options: CompileOptions): ConflictPlan {
  if (node.constraint || node.indexExpression || node.indexWhere)
    refuse('on conflict with something else than columns', node)
  const names = node.columns?.map(({ column }) => column.name)
  const keys = [
    table.primaryKey,
    ...table.indexes.filter(({ isUnique }) => isUnique).map(({ columns }) => columns),
  ]
  const isKey =
    names === undefined ||
    keys.some((key) =>
      isSameSet(
        key.map(({ name }) => name),
        names,
      ),
    )
  if (!isKey) refuse('on conflict with columns that are no key', node)
  if (node.doNothing) return { target: names, assignments: undefined, where: undefined }
  const visible: CompileOptions = { ...options, scope: withExcluded(options.scope, table) }
  return {
    target: names,
    assignments: compileAssignments(node.updates ?? [], table, visible),
    where: node.updateWhere && compileExpression(node.updateWhere.where, visible),
  }
}

// A column without a table is the row's own: `excluded` must be named.
function withExcluded(own: Scope, table: CatalogueTable): Scope {
  const scope = new ExcludedScope(own)
  scope.addTable(own.sources[0]?.alias ?? table.name, table)
  // To SQLite they are values, no columns: comparing them converts nothing.
  const values = scope.sources[0]?.columns.map((column) => ({ ...column, affinity: 'none' as const }))
  scope.add('excluded', values ?? [], undefined)
  return scope
}

class ExcludedScope extends Scope {
  readonly #own: Scope

  constructor(own: Scope) {
    super()
    this.#own = own
  }

  override find(name: string, alias: string | undefined, node: OperationNode) {
    return alias === 'excluded' ? super.find(name, alias, node) : this.#own.find(name, alias, node)
  }
}

function isSameSet(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((name) => right.includes(name))
}

function compileAssignments(
  nodes: readonly ColumnUpdateNode[],
  table: CatalogueTable,
  options: CompileOptions,
): readonly Assignment[] {
  return nodes.map((node) => {
    if (!ColumnNode.is(node.column)) return refuse('this in the place of a column', node)
    return {
      column: columnOf(table, node.column.column.name, node),
      expression: compileExpression(node.value, options),
    }
  })
}

// Evaluated after the write, when nothing may be missing any more.
function compileReturning(
  node: ReturningNode | undefined,
  options: CompileOptions,
): readonly Projection[] | undefined {
  const projections = node && compileSelections(node.selections, options)
  if (node && projections?.some(({ expression }) => expression.readsStore))
    refuse('returning with a sub-select', node)
  return projections
}
