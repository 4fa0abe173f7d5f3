/** A join whose path depends on the rows before it: all look-ups of a batch are made together, so that there is no N + 1. */

import type { OperationNode } from 'kysely'
import type { AccessPath, KeyPath } from '../plan/access-path.ts'
import type { Tuple } from '../plan/expression.ts'
import type { StoredRow } from '../values/value.ts'
import { keyRanges, wholeKeys } from './key-ranges.ts'
import { continued, readPath, requestOf } from './read-path.ts'
import { type Run, rowOf, together } from './run.ts'
import type { RangeRequest } from './workspace.ts'

/** Rows of one look-up that come with the first round trip. */
const LOOK_UP_ROWS = 256

/** For each tuple the rows that its look-up finds. */
export function lookUp(
  path: AccessPath,
  tuples: readonly Tuple[],
  run: Run,
  node: OperationNode,
): readonly (readonly StoredRow[])[] {
  if (path.kind === 'union') {
    const options = { wanted: undefined, mayScan: false, node }
    return together(tuples.map((tuple) => () => [...readPath(path, tuple, run, options)].flat()))
  }
  return path.isWholeKey ? byKeys(path, tuples, run) : byRanges(path, tuples, run)
}

function byKeys(path: KeyPath, tuples: readonly Tuple[], run: Run): readonly (readonly StoredRow[])[] {
  const keysOf = together(tuples.map((tuple) => () => wholeKeys(path, tuple, run)))
  const keys = [...new Set(keysOf.flat())]
  const rows = new Map<string, StoredRow>()
  run.workspace.cells(path.space, keys).forEach((cell, at) => {
    if (cell) rows.set(keys[at] as string, rowOf(path.table, cell))
  })
  return keysOf.map((own) => own.map((key) => rows.get(key)).filter((row) => row !== undefined))
}

function byRanges(path: KeyPath, tuples: readonly Tuple[], run: Run): readonly (readonly StoredRow[])[] {
  const ranges = together(tuples.map((tuple) => () => keyRanges(path, tuple, run)))
  const requests = new Map<string, RangeRequest>()
  for (const { from, to } of ranges.flat())
    requests.set(`${from}\n${to}`, requestOf(path, { from, to }, LOOK_UP_ROWS))
  const rows = new Map<string, StoredRow[]>()
  let pending = [...requests]
  while (pending.length > 0) {
    const views = run.workspace.ranges(pending.map(([, request]) => request))
    const rest: typeof pending = []
    views.forEach((view, at) => {
      const [name, request] = pending[at] as (typeof pending)[number]
      const found = rows.get(name) ?? []
      for (const cell of view.cells) found.push(rowOf(path.table, cell))
      rows.set(name, found)
      if (!view.isComplete) rest.push([name, { ...continued(request, view), limit: request.limit * 4 }])
    })
    pending = rest
  }
  return ranges.map((own) => own.flatMap(({ from, to }) => rows.get(`${from}\n${to}`) ?? []))
}
