/** Runs a delete. */

import { type DeletePlan, OWN_SLOT } from '../plan/plan-write.ts'
import type { StoredRow } from '../values/value.ts'
import { RowEditor } from './row-editor.ts'
import type { Run } from './run.ts'
import { selectTuples } from './select.ts'

/** Answers with the rows as they were. */
export function deleteRows({ table, rows }: DeletePlan, run: Run): readonly StoredRow[] {
  const gone = [...selectTuples(rows, [], run)].flat().map((tuple) => tuple[OWN_SLOT] as StoredRow)
  const editor = new RowEditor(table, run)
  for (const row of gone) editor.replace(row, undefined)
  editor.write()
  return gone
}
