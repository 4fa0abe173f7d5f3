/** From the specification of an expression to Kysely's. */

import {
  type Expression,
  type ExpressionBuilder,
  type ExpressionWrapper,
  expressionBuilder,
  type SqlBool,
} from 'kysely'
import type { Table } from '../schema/define-table.ts'
import type { AnyTables, Queries } from '../store.ts'
import { given } from './build-tables.ts'
import type { ExpressionSpec, SubSelectSpec } from './case.ts'

export interface Visible {
  readonly queries: Queries
  readonly tables: readonly Table[]
  /** Qualified names of the columns of this query. */
  readonly columns: readonly string[]
  /** Of the queries around it. */
  readonly outerColumns: readonly string[]
}

type Builder = ExpressionBuilder<AnyTables, string>
type Built = ExpressionWrapper<AnyTables, string, unknown>

export const builder: Builder = expressionBuilder<AnyTables, string>()

export function columnAt(columns: readonly string[], at: number): string {
  return columns[at % columns.length] as string
}

export function buildCondition(spec: ExpressionSpec, visible: Visible): Expression<SqlBool> {
  return buildExpression(spec, visible) as unknown as Expression<SqlBool>
}

export function buildExpression(spec: ExpressionSpec, visible: Visible): Built {
  const build = (part: ExpressionSpec) => operand(part, visible)
  switch (spec.kind) {
    case 'column': {
      const columns = spec.isOuter && visible.outerColumns.length > 0 ? visible.outerColumns : visible.columns
      return builder.ref(columnAt(columns, spec.column)) as unknown as Built
    }
    case 'value':
      return builder.val(given(spec.value)) as unknown as Built
    case 'compare':
      return builder(build(spec.left), spec.operator, build(spec.right)) as unknown as Built
    case 'and':
      return builder.and(spec.parts.map((part) => build(part) as never)) as unknown as Built
    case 'or':
      return builder.or(spec.parts.map((part) => build(part) as never)) as unknown as Built
    case 'not':
      return builder.not(build(spec.operand) as never) as unknown as Built
    case 'in':
      return builder(
        build(spec.left),
        spec.isNegated ? 'not in' : 'in',
        spec.values.map(given),
      ) as unknown as Built
    case 'between':
      return builder.between(build(spec.left), build(spec.low), build(spec.high)) as unknown as Built
    case 'like':
      return builder(build(spec.left), spec.isNegated ? 'not like' : 'like', spec.pattern) as unknown as Built
    case 'arithmetic':
      return builder(build(spec.left), spec.operator, build(spec.right)) as unknown as Built
    case 'case':
      return builder
        .case()
        .when(buildCondition(spec.condition, visible))
        .then(build(spec.outcome))
        .else(build(spec.otherwise))
        .end() as unknown as Built
    case 'function': {
      const operands =
        spec.name === 'coalesce' ? [build(spec.operand), build(spec.other)] : [build(spec.operand)]
      return builder.fn(spec.name, operands) as unknown as Built
    }
    case 'exists': {
      const found = builder.exists(buildSubSelect(spec.query, visible, 'plain') as never)
      return (spec.isNegated ? builder.not(found) : found) as unknown as Built
    }
    case 'in select':
      return builder(
        build(spec.left),
        spec.isNegated ? 'not in' : 'in',
        buildSubSelect(spec.query, visible, 'plain') as never,
      ) as unknown as Built
    case 'scalar':
      return buildSubSelect(spec.query, visible, 'aggregate') as unknown as Built
  }
}

// In parentheses where the text would be read otherwise without them.
function operand(spec: ExpressionSpec, visible: Visible): Built {
  const built = buildExpression(spec, visible)
  const isAtom = ['column', 'value', 'function', 'case', 'scalar'].includes(spec.kind)
  return isAtom ? built : (builder.parens(built) as unknown as Built)
}

function buildSubSelect(spec: SubSelectSpec, visible: Visible, form: 'plain' | 'aggregate') {
  const { queries, tables } = visible
  const table = tables[spec.table % tables.length] as Table
  const alias = `inner${visible.outerColumns.length}`
  const columns = Object.keys(table.columns).map((name) => `${alias}.${name}`)
  const column = columnAt(columns, spec.column)
  const inner: Visible = { queries, tables, columns, outerColumns: visible.columns }
  let query = queries.selectFrom(`${table.name} as ${alias}`)
  if (spec.where) query = query.where(buildCondition(spec.where, inner))
  if (form === 'plain') return query.select(`${column} as value`)
  return query.select(({ fn }) => fn.agg<unknown>(spec.aggregate, [column]).as('value'))
}
