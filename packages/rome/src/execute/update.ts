/** Runs an update: all rows are found before the first one is changed. */

import { rowKey } from '../keyspace/row-keys.ts'
import type { Tuple } from '../plan/expression.ts'
import { OWN_SLOT, type UpdatePlan } from '../plan/plan-write.ts'
import type { StoredRow } from '../values/value.ts'
import { assigned } from './new-row.ts'
import { RowEditor, violation } from './row-editor.ts'
import { type Run, together } from './run.ts'
import { selectTuples } from './select.ts'

/** Answers with the rows as they are now. Keys are compared when all rows are changed. @throws UniqueViolation */
export function update(plan: UpdatePlan, run: Run): readonly StoredRow[] {
  const { table, assignments } = plan
  const tuples = [...selectTuples(plan.rows, [], run)].flat()
  const pairs = together(
    tuples.map((tuple) => () => {
      const before = tuple[OWN_SLOT] as StoredRow
      return { before, after: assigned(table, before, { assignments, tuple: tuple as Tuple, run }) }
    }),
  )
  const editor = new RowEditor(table, run)
  for (const { before } of pairs) editor.replace(before, undefined)
  const changed = new Set(assignments.map(({ column }) => column))
  const isRelevant = (columns: readonly (typeof assignments)[number]['column'][]) =>
    columns.some((column) => changed.has(column))
  const conflicts = together(
    pairs.map(({ before, after }) => () => {
      const conflict = editor.conflict(after, rowKey(table, before), isRelevant)
      if (!conflict) editor.replace(undefined, after)
      return conflict
    }),
  )
  const conflict = conflicts.find((found) => found !== undefined)
  if (conflict) throw violation(table, conflict)
  editor.write()
  return pairs.map(({ after }) => after)
}
