/**
 * A generated case as plain JSON, so that it can be shrunk, printed and kept: a schema, rows, and statements that run one
 * after the other. Numbers that name a table or a column count modulo how many there are.
 */

import type { ColumnKind } from '../schema/column.ts'

export type Scalar =
  | null
  | number
  | string
  | boolean
  | { readonly bytes: string }
  | { readonly json: unknown }

export interface ColumnSpec {
  readonly kind: ColumnKind
  readonly isNullable: boolean
}

export interface TableSpec {
  /** Named c0, c1 and so on. */
  readonly columns: readonly ColumnSpec[]
  /** Of the primary key: the first columns. */
  readonly keyColumns: number
  readonly indexes: readonly (readonly number[])[]
  readonly unique: readonly (readonly number[])[]
  /** Each with a value for each column. */
  readonly rows: readonly (readonly Scalar[])[]
}

export type Comparison = '=' | '!=' | '<' | '<=' | '>' | '>=' | 'is' | 'is not'

export type ExpressionSpec =
  | { readonly kind: 'column'; readonly column: number; readonly isOuter?: boolean }
  | { readonly kind: 'value'; readonly value: Scalar }
  | {
      readonly kind: 'compare'
      readonly operator: Comparison
      readonly left: ExpressionSpec
      readonly right: ExpressionSpec
    }
  | { readonly kind: 'and' | 'or'; readonly parts: readonly ExpressionSpec[] }
  | { readonly kind: 'not'; readonly operand: ExpressionSpec }
  | {
      readonly kind: 'in'
      readonly left: ExpressionSpec
      readonly values: readonly Scalar[]
      readonly isNegated: boolean
    }
  | {
      readonly kind: 'between'
      readonly left: ExpressionSpec
      readonly low: ExpressionSpec
      readonly high: ExpressionSpec
    }
  | {
      readonly kind: 'like'
      readonly left: ExpressionSpec
      readonly pattern: string
      readonly isNegated: boolean
    }
  | {
      readonly kind: 'arithmetic'
      readonly operator: '+' | '-' | '*' | '/' | '%' | '||'
      readonly left: ExpressionSpec
      readonly right: ExpressionSpec
    }
  | {
      readonly kind: 'case'
      readonly condition: ExpressionSpec
      readonly outcome: ExpressionSpec
      readonly otherwise: ExpressionSpec
    }
  | {
      readonly kind: 'function'
      readonly name: 'coalesce' | 'lower' | 'upper' | 'length' | 'abs'
      readonly operand: ExpressionSpec
      readonly other: ExpressionSpec
    }
  | { readonly kind: 'exists'; readonly query: SubSelectSpec; readonly isNegated: boolean }
  | {
      readonly kind: 'in select'
      readonly left: ExpressionSpec
      readonly query: SubSelectSpec
      readonly isNegated: boolean
    }
  | { readonly kind: 'scalar'; readonly query: SubSelectSpec }

export interface SubSelectSpec {
  readonly table: number
  readonly column: number
  readonly where: ExpressionSpec | null
  /** Of a scalar, which has one row only when it is aggregated. */
  readonly aggregate: 'min' | 'max' | 'count' | 'sum'
}

export interface JoinSpec {
  readonly kind: 'inner' | 'left'
  readonly table: number
  /** Whether the table is wrapped into a sub-select of all its columns. */
  readonly isDerived: boolean
  /** The columns that must be equal: one of the table, one of those before it. */
  readonly equal: readonly [number, number] | null
  readonly on: ExpressionSpec | null
}

export interface OrderSpec {
  readonly expression: ExpressionSpec
  readonly direction: 'asc' | 'desc'
  readonly nulls: 'first' | 'last' | null
}

export interface GroupSpec {
  readonly keys: readonly number[]
  readonly aggregates: readonly {
    readonly name: 'count' | 'sum' | 'avg' | 'min' | 'max'
    readonly operand: ExpressionSpec
    readonly isDistinct: boolean
  }[]
  readonly having: { readonly operator: Comparison; readonly value: Scalar } | null
}

export interface SelectSpec {
  readonly kind: 'select'
  readonly table: number
  readonly joins: readonly JoinSpec[]
  readonly where: ExpressionSpec | null
  /** Null: all columns. */
  readonly selected: readonly ExpressionSpec[] | null
  readonly isDistinct: boolean
  readonly group: GroupSpec | null
  readonly order: readonly OrderSpec[]
  readonly limit: number | null
  readonly offset: number | null
}

export type AssignmentSpec = readonly [column: number, value: ExpressionSpec]

export interface ConflictSpec {
  /** The primary key, or a unique index counted from 1; null for none named. */
  readonly target: number | null
  readonly assignments: readonly AssignmentSpec[] | null
  readonly where: ExpressionSpec | null
}

export interface InsertSpec {
  readonly kind: 'insert'
  readonly table: number
  readonly rows: readonly (readonly Scalar[])[]
  /** How many columns are named; the others get their fallbacks. */
  readonly named: number
  readonly conflict: ConflictSpec | null
  readonly isReturning: boolean
}

export interface UpdateSpec {
  readonly kind: 'update'
  readonly table: number
  readonly assignments: readonly AssignmentSpec[]
  readonly where: ExpressionSpec | null
  readonly isReturning: boolean
}

export interface DeleteSpec {
  readonly kind: 'delete'
  readonly table: number
  readonly where: ExpressionSpec | null
  readonly isReturning: boolean
}

export type StatementSpec = SelectSpec | InsertSpec | UpdateSpec | DeleteSpec

export interface CaseSpec {
  readonly tables: readonly TableSpec[]
  readonly statements: readonly StatementSpec[]
}
