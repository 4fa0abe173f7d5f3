/** Rows as a write makes them: values converted to what their columns keep, and NULL refused where there is none. */

import type { Expression, Tuple } from '../plan/expression.ts'
import { refuse } from '../plan/not-supported.ts'
import type { Assignment } from '../plan/plan-write.ts'
import type { CatalogueColumn, CatalogueTable } from '../schema/catalogue.ts'
import { storedValue } from '../values/affinity.ts'
import type { StoredRow, Value } from '../values/value.ts'
import type { Run } from './run.ts'

/** A row of fallbacks, with the values given. Callers must `refuseNulls` before they write it. */
export function newRow(
  table: CatalogueTable,
  columns: readonly CatalogueColumn[],
  values: readonly { readonly expression: Expression; readonly value: Value }[],
): StoredRow {
  const row = table.layout.map(({ fallback }) => fallback)
  columns.forEach((column, at) => {
    const given = values[at]
    if (given) row[column.position] = columnValue(column, given.expression, given.value)
  })
  return row
}

/** The row with the values of all assignments, each computed from the row as it was. @throws TypeError as `refuseNulls` */
export function assigned(
  table: CatalogueTable,
  row: StoredRow,
  { assignments, tuple, run }: { assignments: readonly Assignment[]; tuple: Tuple; run: Run },
): StoredRow {
  const changed = row.slice()
  for (const { column, expression } of assignments)
    changed[column.position] = columnValue(column, expression, expression.evaluate(tuple, run))
  refuseNulls(table, changed)
  return changed
}

/** @throws TypeError for NULL in a column that has none, the first of the table */
export function refuseNulls({ name, columns }: CatalogueTable, row: StoredRow): void {
  for (const column of columns)
    if (row[column.position] === null && !column.isNullable)
      throw new TypeError(`NOT NULL constraint failed: ${name}.${column.name}`)
}

function columnValue({ kind }: CatalogueColumn, source: Expression, value: Value): Value {
  if (value instanceof Uint8Array && kind !== 'blob') refuse(`bytes in a column of ${kind}`, source.node)
  if (typeof value === 'number' && source.form === 'mixed' && kind === 'text')
    refuse('numbers of any kind as text', source.node)
  return storedValue(kind, value, source.form)
}
