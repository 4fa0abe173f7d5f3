/** Rows as a write makes them: values converted to what their columns keep, and NULL refused where there is none. */

import type { Expression, Tuple } from '../plan/expression.ts'
import { refuse } from '../plan/not-supported.ts'
import type { Assignment } from '../plan/plan-write.ts'
import type { CatalogueColumn, CatalogueTable } from '../schema/catalogue.ts'
import { storedValue } from '../values/affinity.ts'
import type { StoredRow, Value } from '../values/value.ts'
import type { Run } from './run.ts'

/** A row of fallbacks, with the values given. @throws TypeError for NULL in a column that has none */
export function newRow(
  table: CatalogueTable,
  columns: readonly CatalogueColumn[],
  values: readonly { readonly expression: Expression; readonly value: Value }[],
): StoredRow {
  const row = table.layout.map(({ fallback }) => fallback)
  columns.forEach((column, at) => {
    const given = values[at]
    if (given) row[column.position] = columnValue(table, column, given.expression, given.value)
  })
  return row
}

/** The row with the values of all assignments, each computed from the row as it was. */
export function assigned(
  table: CatalogueTable,
  row: StoredRow,
  { assignments, tuple, run }: { assignments: readonly Assignment[]; tuple: Tuple; run: Run },
): StoredRow {
  const changed = row.slice()
  for (const { column, expression } of assignments)
    changed[column.position] = columnValue(table, column, expression, expression.evaluate(tuple, run))
  return changed
}

function columnValue(
  table: CatalogueTable,
  column: CatalogueColumn,
  source: Expression,
  value: Value,
): Value {
  if (value instanceof Uint8Array && column.kind !== 'blob')
    refuse(`bytes in a column of ${column.kind}`, source.node)
  if (typeof value === 'number' && source.form === 'mixed' && column.kind === 'text')
    refuse('numbers of any kind as text', source.node)
  const stored = storedValue(column.kind, value, source.form)
  if (stored === null && !column.isNullable)
    throw new TypeError(`NOT NULL constraint failed: ${table.name}.${column.name}`)
  return stored
}
