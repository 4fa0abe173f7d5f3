/** One run of one plan: what its operators share. */

import { decodeRow } from '../keyspace/row-codec.ts'
import type { Tuple } from '../plan/expression.ts'
import type { SelectPlan } from '../plan/select-plan.ts'
import type { Parameter } from '../plan/shape.ts'
import type { CatalogueTable } from '../schema/catalogue.ts'
import type { StoredRow, Value } from '../values/value.ts'
import { type Cell, Missing, type RangeRequest, type SpaceKey, type Workspace } from './workspace.ts'

/** A query that no index serves may look at this many rows of a table, unless it asked for all of them. */
export const SCAN_ROWS_MAX = 20_000

/** Runs a select: see `selectValues`. */
export type Select = (plan: SelectPlan, outer: Tuple, run: Run, wanted?: number) => Iterable<readonly Value[]>

export interface Run {
  /** For sub-selects. */
  readonly select: Select
  readonly workspace: Workspace
  /** The values that the query was given. */
  readonly parameters: readonly Parameter[]
  /** What is computed once a run: by the part of the plan that computes it. */
  readonly memo: Map<object, unknown>
  readonly scanRowsMax: number
  /** How many rows were looked at without an index, by part of the plan. */
  readonly scanned: Map<object, number>
}

export function rowOf(table: CatalogueTable, cell: Cell): StoredRow {
  const decoded = cell.row as StoredRow | undefined
  if (decoded) return decoded
  const row = decodeRow(table, cell.bytes)
  cell.row = row
  return row
}

/**
 * Runs all `parts`, so that what is missing of any is brought together, in one round trip. @throws Missing for all of them
 */
export function together<Result>(parts: Iterable<() => Result>): readonly Result[] {
  const results: Result[] = []
  const keys: SpaceKey[] = []
  const ranges: RangeRequest[] = []
  for (const part of parts) {
    try {
      results.push(part())
    } catch (error) {
      if (!(error instanceof Missing)) throw error
      keys.push(...error.keys)
      ranges.push(...error.ranges)
    }
  }
  if (keys.length > 0 || ranges.length > 0) throw new Missing({ keys, ranges })
  return results
}
