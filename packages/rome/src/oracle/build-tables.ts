/** From the specification of a case to tables and the values of its rows. */

import { blob, boolean, type Column, integer, json, real, text } from '../schema/column.ts'
import { defineTable, type Table } from '../schema/define-table.ts'
import type { ColumnSpec, Scalar, TableSpec } from './case.ts'

export const columnName = (at: number) => `c${at}`

export function buildTable(spec: TableSpec, name: string): Table {
  const { columns, keyColumns } = spec
  const names = (positions: readonly number[]) => [
    ...new Set(positions.map((p) => columnName(p % columns.length))),
  ]
  // An index that is there twice would have the same name twice.
  const distinct = (lists: readonly (readonly number[])[]) => [
    ...new Map(lists.map(names).map((index) => [index.join(), index])).values(),
  ]
  const unique = distinct(spec.unique)
  const indexes = distinct(spec.indexes)
  return defineTable(
    name,
    Object.fromEntries(columns.map((column, position) => [columnName(position), buildColumn(column)])),
    {
      primaryKey: names(Array.from({ length: keyColumns }, (_, position) => position)),
      indexes: indexes.filter((index) => !unique.some((other) => other.join() === index.join())),
      unique,
    },
  )
}

function buildColumn({ kind, isNullable }: ColumnSpec): Column<unknown> {
  const column = constructors[kind]()
  return isNullable ? column.nullable() : column
}

const constructors: Readonly<Record<ColumnSpec['kind'], () => Column<unknown>>> = {
  text: () => text('fallback'),
  integer: () => integer(7),
  real: () => real(0.5),
  boolean: () => boolean(true),
  json: () => json({ is: 'fallback' }),
  blob,
}

/** What a query is given for the value. */
export function given(scalar: Scalar): unknown {
  if (typeof scalar !== 'object' || scalar === null) return scalar
  return 'bytes' in scalar ? Buffer.from(scalar.bytes, 'hex') : scalar.json
}

/** The value as the column of a row takes it without giving up its kind; undefined when it cannot. */
export function givenTo({ kind, isNullable }: ColumnSpec, scalar: Scalar): unknown {
  const value = given(scalar)
  if (value === null) return isNullable ? null : undefined
  if (kind === 'json') return typeof value === 'object' && !Buffer.isBuffer(value) ? value : undefined
  if (Buffer.isBuffer(value)) return kind === 'blob' ? value : undefined
  return value
}
