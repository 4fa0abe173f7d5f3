/** Rows from other sites, which may run another version. */

import type { AnyRecord, RecordTable } from './define-record.ts'

/**
 * What this version does not know is kept aside and comes back out when the row is handed on. What an older peer kept
 * aside and this one knows goes into its column.
 */
export function knownColumns(
  table: RecordTable,
  row: Readonly<Record<string, unknown>>,
): AnyRecord & Record<string, unknown> {
  const known: Record<string, unknown> = {}
  const unknown: Record<string, unknown> = {}
  const { unknown_columns: aside, ...columns } = row
  for (const [name, value] of Object.entries({ ...(aside as object | undefined), ...columns })) {
    if (name in table.columns) known[name] = value
    else unknown[name] = value
  }
  return { ...known, unknown_columns: unknown } as unknown as AnyRecord & Record<string, unknown>
}
