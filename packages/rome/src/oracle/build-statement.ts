/** From the specification of a statement to Kysely's query, and what must be equal of its answer. */

import type { Compilable, JoinBuilder, QueryResult, SelectQueryBuilder } from 'kysely'
import type { Table } from '../schema/define-table.ts'
import type { AnyTables, Queries } from '../store.ts'
import { buildCondition, buildExpression, builder, columnAt, type Visible } from './build-expression.ts'
import { given, givenTo } from './build-tables.ts'
import type {
  AssignmentSpec,
  CaseSpec,
  DeleteSpec,
  GroupSpec,
  InsertSpec,
  JoinSpec,
  Scalar,
  SelectSpec,
  StatementSpec,
  TableSpec,
  UpdateSpec,
} from './case.ts'

export interface BuiltStatement {
  readonly query: Compilable<unknown>
  /**
   * Rows come in this very order; in any; or any so many of them, where a limit cuts an order that is not decided.
   */
  readonly compared: 'sequence' | 'set' | 'count'
}

export type Answer = QueryResult<unknown>

interface Context {
  readonly queries: Queries
  readonly spec: CaseSpec
  readonly tables: readonly Table[]
}

/** Undefined for a statement that makes no sense over the tables of the case. */
export function buildStatement(statement: StatementSpec, context: Context): BuiltStatement | undefined {
  switch (statement.kind) {
    case 'select':
      return buildSelect(statement, context)
    case 'insert':
      return buildInsert(statement, context)
    case 'update':
      return buildUpdate(statement, context)
    case 'delete':
      return buildDelete(statement, context)
  }
}

function tableAt({ tables, spec }: Context, at: number): { table: Table; columns: TableSpec } {
  return { table: tables[at % tables.length] as Table, columns: spec.tables[at % tables.length] as TableSpec }
}

function qualified(table: Table, alias: string): readonly string[] {
  return Object.keys(table.columns).map((name) => `${alias}.${name}`)
}

function buildSelect(statement: SelectSpec, context: Context): BuiltStatement {
  const { queries, tables } = context
  const { table } = tableAt(context, statement.table)
  const visible = { queries, tables, columns: [...qualified(table, 's0')], outerColumns: [] }
  const keys = table.primaryKey.map((name) => `s0.${name}`)
  let query = queries.selectFrom(`${table.name} as s0`) as unknown as Select
  statement.joins.forEach((join, at) => {
    const alias = `s${at + 1}`
    const other = tableAt(context, join.table).table
    query = joined(query, { join, other, alias, visible })
    visible.columns.push(...qualified(other, alias))
    keys.push(...other.primaryKey.map((name) => `${alias}.${name}`))
  })
  if (statement.where) query = query.where(buildCondition(statement.where, visible))
  const total = statement.group ? grouped(statement.group, visible) : selectedOf(statement, visible, keys)
  query = total.apply(query)
  for (const item of statement.group || total.isWithoutOrder ? [] : statement.order) {
    query = query.orderBy(buildExpression(item.expression, visible) as never, (order) => {
      const directed = item.direction === 'asc' ? order.asc() : order.desc()
      if (item.nulls === null) return directed
      return item.nulls === 'first' ? directed.nullsFirst() : directed.nullsLast()
    })
  }
  const isOrdered = total.order.length > 0 && statement.order.length > 0
  const last = statement.order.at(-1)?.direction ?? 'asc'
  if (isOrdered) for (const name of total.order) query = query.orderBy(name as never, last)
  if (statement.limit !== null) query = query.limit(statement.limit)
  if (statement.limit !== null && statement.offset !== null) query = query.offset(statement.offset)
  if (isOrdered) return { query, compared: 'sequence' }
  return { query, compared: statement.limit === null ? 'set' : 'count' }
}

type Select = SelectQueryBuilder<AnyTables, string, object>

interface Joined {
  readonly join: JoinSpec
  readonly other: Table
  readonly alias: string
  readonly visible: Visible
}

function joined(query: Select, { join, other, alias, visible }: Joined): Select {
  const after: Visible = { ...visible, columns: [...visible.columns, ...qualified(other, alias)] }
  const source = join.isDerived
    ? (visible.queries.selectFrom(other.name).selectAll().as(alias) as never)
    : (`${other.name} as ${alias}` as never)
  const condition = (on: JoinBuilder<AnyTables, string>) => {
    let met = on
    if (join.equal)
      met = met.onRef(
        columnAt(qualified(other, alias), join.equal[0]),
        '=',
        columnAt(visible.columns, join.equal[1]),
      )
    if (join.on) met = met.on(buildCondition(join.on, after))
    return join.equal || join.on ? met : met.on(builder.lit(true))
  }
  const wide =
    join.kind === 'inner'
      ? query.innerJoin(source, condition as never)
      : query.leftJoin(source, condition as never)
  return wide as unknown as Select
}

interface Total {
  readonly apply: (query: Select) => Select
  /** Columns by which the order becomes total; empty when there are none. */
  readonly order: readonly string[]
  /** Whether the order asked for is left out. */
  readonly isWithoutOrder: boolean
}

function selectedOf(
  { selected, isDistinct, joins }: SelectSpec,
  visible: Visible,
  keys: readonly string[],
): Total {
  const names = selected ? selected.map((_, at) => `x${at}`) : visible.columns.map((_, at) => `x${at}`)
  const apply = (query: Select): Select => {
    const wide = isDistinct ? query.distinct() : query
    if (selected)
      return wide.select(selected.map((spec, at) => buildExpression(spec, visible).as(`x${at}`))) as never
    if (joins.length === 0) return wide.selectAll() as never
    return wide.select(visible.columns.map((name, at) => `${name} as x${at}`)) as never
  }
  if (!isDistinct) return { apply, order: keys, isWithoutOrder: false }
  return { apply, order: selected || joins.length > 0 ? names : [], isWithoutOrder: true }
}

function grouped({ keys, aggregates, having }: GroupSpec, visible: Visible): Total {
  const columns = [...new Set(keys.map((at) => columnAt(visible.columns, at)))]
  const built = aggregates.map(({ name, operand, isDistinct }) => {
    const aggregate = builder.fn.agg<number>(name, [buildExpression(operand, visible)])
    return isDistinct ? aggregate.distinct() : aggregate
  })
  const apply = (query: Select): Select => {
    let wide = query.select(columns.map((name, at) => `${name} as k${at}`) as never) as unknown as Select
    wide = wide.select(built.map((aggregate, at) => aggregate.as(`x${at}`)) as never) as unknown as Select
    if (columns.length > 0) wide = wide.groupBy(columns)
    const [first] = built
    if (having && first && columns.length > 0)
      wide = wide.having(
        builder(first as never, having.operator, builder.val(given(having.value)) as never) as never,
      )
    return wide
  }
  return { apply, order: columns.map((_, at) => `k${at}`), isWithoutOrder: true }
}

function rowValues(table: Table, { columns }: TableSpec, scalars: readonly Scalar[], named: number) {
  const names = Object.keys(table.columns)
  const count = Math.max(named % (names.length + 1), table.primaryKey.length)
  const values: Record<string, unknown> = {}
  names.slice(0, count).forEach((name, at) => {
    const column = columns[at]
    const value = column && givenTo(column, scalars[at % scalars.length] ?? null)
    values[name] = value === undefined ? usualValue(columns[at]?.kind) : value
  })
  return values
}

function usualValue(kind: string | undefined): unknown {
  if (kind === 'json') return []
  return kind === 'blob' ? Buffer.from('b') : 1
}

function buildInsert(statement: InsertSpec, context: Context): BuiltStatement {
  const { queries, tables } = context
  const { table, columns } = tableAt(context, statement.table)
  const rows = statement.rows.map((scalars) => rowValues(table, columns, scalars, statement.named))
  let query = queries.insertInto(table.name).values(rows)
  const { conflict } = statement
  if (conflict) {
    const own = qualified(table, table.name)
    const excluded = qualified(table, 'excluded')
    const visible: Visible = { queries, tables, columns: [...own, ...excluded], outerColumns: [] }
    query = query.onConflict((on) => {
      const unique = table.indexes.filter(({ isUnique }) => isUnique)
      const target =
        conflict.target === null ? null : [table.primaryKey, ...unique.map((index) => index.columns)]
      const names = target?.[(conflict.target ?? 0) % target.length]
      const directed = names ? on.columns([...names] as never) : on
      const set =
        names && conflict.assignments && assignmentsOf(conflict.assignments, { table, columns, visible })
      if (!set || Object.keys(set).length === 0) return directed.doNothing() as never
      const updated = directed.doUpdateSet(set as never)
      return (
        conflict.where ? updated.where(buildCondition(conflict.where, visible) as never) : updated
      ) as never
    })
  }
  return { query: statement.isReturning ? query.returningAll() : query, compared: 'set' }
}

interface Assigned {
  readonly table: Table
  readonly columns: TableSpec
  readonly visible: Visible
  /** Columns of keys stay as they are: SQLite compares them row by row, in an order that is its own. */
  readonly isKeyKept?: boolean
}

function assignmentsOf(
  assignments: readonly AssignmentSpec[],
  { table, columns, visible, isKeyKept }: Assigned,
) {
  const names = Object.keys(table.columns)
  const keys = new Set([
    ...table.primaryKey,
    ...table.indexes.filter(({ isUnique }) => isUnique).flatMap((index) => index.columns),
  ])
  const set: Record<string, unknown> = {}
  for (const [at, spec] of assignments) {
    const position = at % names.length
    const name = names[position] as string
    const column = columns.columns[position]
    if (!column || (isKeyKept && keys.has(name))) continue
    // Bytes and JSON keep to their columns; everything else may go anywhere.
    if (spec.kind === 'value') {
      const value = givenTo(column, spec.value)
      if (value !== undefined) set[name] = value
    } else if (column.kind !== 'json' && column.kind !== 'blob') set[name] = buildExpression(spec, visible)
  }
  return set
}

function buildUpdate(statement: UpdateSpec, context: Context): BuiltStatement | undefined {
  const { queries, tables } = context
  const { table, columns } = tableAt(context, statement.table)
  const visible: Visible = { queries, tables, columns: qualified(table, table.name), outerColumns: [] }
  const set = assignmentsOf(statement.assignments, { table, columns, visible, isKeyKept: true })
  if (Object.keys(set).length === 0) return undefined
  let query = queries.updateTable(table.name).set(set as never)
  if (statement.where) query = query.where(buildCondition(statement.where, visible))
  return { query: statement.isReturning ? query.returningAll() : query, compared: 'set' }
}

function buildDelete(statement: DeleteSpec, context: Context): BuiltStatement {
  const { queries, tables } = context
  const { table } = tableAt(context, statement.table)
  const visible: Visible = { queries, tables, columns: qualified(table, table.name), outerColumns: [] }
  let query = queries.deleteFrom(table.name)
  if (statement.where) query = query.where(buildCondition(statement.where, visible))
  return { query: statement.isReturning ? query.returningAll() : query, compared: 'set' }
}
