/** Reads the rows of one access path, in its order, in chunks that grow: whoever needs few rows brings few. */

import type { OperationNode } from 'kysely'
import { rowKey } from '../keyspace/row-keys.ts'
import { type AccessPath, isScan, type KeyPath, type UnionPath } from '../plan/access-path.ts'
import type { Tuple } from '../plan/expression.ts'
import type { StoredRow } from '../values/value.ts'
import { countScanned, keyRanges, wholeKeys } from './key-ranges.ts'
import { type Run, rowOf, together } from './run.ts'
import type { RangeRequest, RangeView } from './workspace.ts'

const CHUNK = 256
const CHUNK_MAX = 4096

export interface ReadOptions {
  /** How many rows will do, when that is known. */
  readonly wanted: number | undefined
  /** Whether the query may look at every row, however many. */
  readonly mayScan: boolean
  /** The query, to be shown. */
  readonly node: OperationNode
}

export function* readPath(
  path: AccessPath,
  tuple: Tuple,
  run: Run,
  options: ReadOptions,
): Generator<readonly StoredRow[]> {
  if (path.kind === 'union') yield* readUnion(path, tuple, run, options)
  else if (path.isWholeKey) yield rowsByKey(path, wholeKeys(path, tuple, run), run)
  else yield* readRanges(path, tuple, run, options)
}

/** Rows by their whole primary keys, in the order of the path; those that there are. */
export function rowsByKey(path: KeyPath, keys: readonly string[], run: Run): readonly StoredRow[] {
  if (keys.length === 0) return []
  const ordered = path.isReversed ? [...keys].reverse() : keys
  const rows: StoredRow[] = []
  for (const cell of run.workspace.cells(path.space, ordered)) if (cell) rows.push(rowOf(path.table, cell))
  return rows
}

function* readRanges(
  path: KeyPath,
  tuple: Tuple,
  run: Run,
  { wanted, mayScan, node }: ReadOptions,
): Generator<readonly StoredRow[]> {
  const ranges = keyRanges(path, tuple, run)
  const isCounted = isScan(path) && !mayScan
  let chunk = wanted === undefined ? CHUNK : Math.min(Math.max(wanted, 1), CHUNK_MAX)
  let pending = (path.isReversed ? [...ranges].reverse() : ranges).map((range) =>
    requestOf(path, range, chunk),
  )
  while (pending.length > 0) {
    // Of many ranges each may be small: they are asked for together, and what is cut off is asked for again.
    const now = pending.slice(0, CHUNK)
    const views = run.workspace.ranges(now)
    const cut = views.findIndex(({ isComplete }) => !isComplete)
    const done = cut < 0 ? now.length : cut + 1
    for (const view of views.slice(0, done)) {
      const rows = view.cells.map((cell) => rowOf(path.table, cell))
      if (isCounted) countScanned(run, { path, node, rows: rows.length })
      if (rows.length > 0) yield rows
    }
    chunk = Math.min(chunk * 4, CHUNK_MAX)
    const rest = cut < 0 ? [] : [continued(now[cut] as RangeRequest, views[cut] as RangeView)]
    pending = [...rest, ...pending.slice(done)].map((request) => ({ ...request, limit: chunk }))
  }
}

/** The request for `range` of a path. */
export function requestOf(
  { space, rowsOf, isReversed }: KeyPath,
  { from, to }: { readonly from: string; readonly to: string },
  limit: number,
): RangeRequest {
  return { space, from, to, limit, isReversed, rowsOf }
}

/** What is left of a request after the keys that it has brought. */
export function continued(request: RangeRequest, { keys }: RangeView): RangeRequest {
  const last = keys.at(-1)
  if (last === undefined) return request
  return request.isReversed ? { ...request, to: last } : { ...request, from: `${last}\x00` }
}

function* readUnion(
  path: UnionPath,
  tuple: Tuple,
  run: Run,
  options: ReadOptions,
): Generator<readonly StoredRow[]> {
  const seen = new Set<string>()
  const unlimited = { ...options, wanted: undefined }
  const branches = together(
    path.branches.map((branch) => () => [...readPath(branch, tuple, run, unlimited)].flat()),
  )
  for (const rows of branches) {
    const fresh: StoredRow[] = []
    for (const row of rows) {
      const key = rowKey(path.table, row)
      if (seen.has(key)) continue
      seen.add(key)
      fresh.push(row)
    }
    if (fresh.length > 0) yield fresh
  }
}
