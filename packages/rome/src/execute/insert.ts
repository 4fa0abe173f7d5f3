/** Runs an insert: new rows, or what `on conflict` says where a key is taken. */

import type { Tuple } from '../plan/expression.ts'
import type { ConflictPlan, InsertPlan } from '../plan/plan-write.ts'
import type { StoredRow, Value } from '../values/value.ts'
import { holds } from './filter.ts'
import { assigned, newRow, refuseNulls } from './new-row.ts'
import { type Conflict, RowEditor, violation } from './row-editor.ts'
import { type Run, together } from './run.ts'
import { selectValues } from './select.ts'

/** Answers with the rows that were inserted or updated, as they are now. @throws UniqueViolation */
export function insert(plan: InsertPlan, run: Run): readonly StoredRow[] {
  const { table, conflict } = plan
  const editor = new RowEditor(table, run)
  const rows = newRows(plan, run)
  if (rows.length > 1) together(rows.map((row) => () => editor.conflict(row, undefined)))
  const written: StoredRow[] = []
  for (const row of rows) {
    const outcome = insertRow(row, { editor, table, conflict, run })
    if (outcome) written.push(outcome)
  }
  editor.write()
  return written
}

interface Context extends Pick<InsertPlan, 'table' | 'conflict'> {
  readonly editor: RowEditor
  readonly run: Run
}

function insertRow(row: StoredRow, { editor, table, conflict, run }: Context): StoredRow | undefined {
  refuseNulls(table, row)
  const other = firstConflict(editor, row, conflict)
  if (!other) {
    editor.replace(undefined, row)
    return row
  }
  if (!conflict || !isTarget(conflict, other)) throw violation(table, other)
  const { assignments, where } = conflict
  const current = editor.row(other.key)
  if (!assignments || !current) return undefined
  const tuple: Tuple = [current, row]
  if (where && !holds([where], tuple, run)) return undefined
  const changed = assigned(table, current, { assignments, tuple, run })
  const next = editor.conflict(changed, other.key)
  if (next) throw violation(table, next)
  editor.replace(current, changed)
  return changed
}

// The target of `on conflict` is looked at first, as SQLite does: whether other keys are taken, too, is then no matter.
function firstConflict(
  editor: RowEditor,
  row: StoredRow,
  conflict: ConflictPlan | undefined,
): Conflict | undefined {
  if (!conflict?.target) return editor.conflict(row, undefined)
  const atTarget = editor.conflict(row, undefined, (columns) => isTarget(conflict, { columns }))
  return atTarget ?? editor.conflict(row, undefined)
}

function isTarget({ target }: ConflictPlan, { columns }: Pick<Conflict, 'columns'>): boolean {
  if (!target) return true
  return columns.length === target.length && columns.every(({ name }) => target.includes(name))
}

function newRows({ table, columns, rows }: InsertPlan, run: Run): readonly StoredRow[] {
  if (!('kind' in rows)) {
    return rows.map((expressions) => {
      const values = expressions.map((expression) => ({ expression, value: expression.evaluate([], run) }))
      return newRow(table, columns, values)
    })
  }
  const { projections } = rows
  const given = [...selectValues(rows, [], run)]
  return given.map((values) => {
    const pairs = projections.map(({ expression }, at) => ({ expression, value: values[at] as Value }))
    return newRow(table, columns, pairs)
  })
}
