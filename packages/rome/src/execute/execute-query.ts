/** Runs a query: from Kysely's node to rows, on whatever is at hand. */

import type { RootOperationNode } from 'kysely'
import { planQuery, type QueryPlan } from '../plan/plan-query.ts'
import type { Projection } from '../plan/select-plan.ts'
import type { Catalogue } from '../schema/catalogue.ts'
import type { StoredRow, Value } from '../values/value.ts'
import { deleteRows } from './delete.ts'
import { handOut, type OutputRow } from './hand-out.ts'
import { insert } from './insert.ts'
import { type Run, SCAN_ROWS_MAX } from './run.ts'
import { selectValues } from './select.ts'
import { update } from './update.ts'
import type { Workspace } from './workspace.ts'

export interface Outcome {
  /** Of a select, or of `returning`: copies that belong to the caller. */
  readonly rows: OutputRow[]
  /** How many rows were inserted, updated or deleted. */
  readonly numAffectedRows?: bigint
}

export interface ExecuteOptions {
  /** See `SCAN_ROWS_MAX`, the default. */
  readonly scanRowsMax?: number
}

/**
 * Runs `node` to its end over what `workspace` has at hand. To run the same node again is cheaper than another one.
 * @throws Missing when something must be brought first; nothing was written then
 * @throws QueryNotSupported, ScanRefused, UniqueViolation
 * @throws TypeError for NULL in a column that has none
 */
export function executeQuery(
  node: RootOperationNode,
  catalogue: Catalogue,
  workspace: Workspace,
  { scanRowsMax = SCAN_ROWS_MAX }: ExecuteOptions = {},
): Outcome {
  const { plan, parameters } = planQuery(node, catalogue)
  return executePlan(plan, new QueryRun({ workspace, parameters, scanRowsMax }))
}

class QueryRun implements Run {
  readonly select = selectValues
  readonly workspace: Workspace
  readonly parameters: Run['parameters']
  readonly scanRowsMax: number
  #memo: Map<object, unknown> | undefined
  #scanned: Map<object, number> | undefined

  constructor({ workspace, parameters, scanRowsMax }: Pick<Run, 'workspace' | 'parameters' | 'scanRowsMax'>) {
    this.workspace = workspace
    this.parameters = parameters
    this.scanRowsMax = scanRowsMax
  }

  // Most queries need neither of the two.
  get memo(): Map<object, unknown> {
    this.#memo ??= new Map()
    return this.#memo
  }

  get scanned(): Map<object, number> {
    this.#scanned ??= new Map()
    return this.#scanned
  }
}

function executePlan(plan: QueryPlan, run: Run): Outcome {
  switch (plan.kind) {
    case 'select':
      return { rows: handOut(plan.projections, selectValues(plan, [], run)) }
    case 'insert':
      return written(insert(plan, run), plan.returning, run)
    case 'update':
      return written(update(plan, run), plan.returning, run)
    case 'delete':
      return written(deleteRows(plan, run), plan.returning, run)
  }
}

function written(
  changed: readonly StoredRow[],
  returning: readonly Projection[] | undefined,
  run: Run,
): Outcome {
  const numAffectedRows = BigInt(changed.length)
  if (!returning) return { rows: [], numAffectedRows }
  const values = changed.map((row): readonly Value[] =>
    returning.map(({ expression }) => expression.evaluate([row], run)),
  )
  return { rows: handOut(returning, values), numAffectedRows }
}
