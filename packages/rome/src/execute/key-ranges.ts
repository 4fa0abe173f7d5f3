/** From a path to ranges of keys: the values of its first columns, each with each, then what is said of the column after them. */

import type { OperationNode } from 'kysely'
import { ScanRefused } from '../errors.ts'
import { BEHIND } from '../keyspace/encode-value.ts'
import type { KeyPath } from '../plan/access-path.ts'
import type { Tuple } from '../plan/expression.ts'
import type { Interval } from '../plan/intervals.ts'
import { fragmentOf } from '../plan/not-supported.ts'
import type { Run } from './run.ts'

/** Lists of several columns multiply. */
const RANGES_MAX = 10_000

/** Sorted and disjoint. */
export function keyRanges(path: KeyPath, tuple: Tuple, run: Run): readonly Interval[] {
  let prefixes = ['']
  for (const constraint of path.prefix) {
    const points = constraint.intervals(tuple, run)
    if (points.length === 0) return []
    if (points.length * prefixes.length > RANGES_MAX)
      throw new RangeError('a query asks for more than 10000 keys')
    prefixes =
      prefixes.length === 1 && points.length === 1
        ? [`${prefixes[0]}${points[0]?.from}`]
        : prefixes.flatMap((prefix) => points.map(({ from }) => prefix + from))
  }
  const last = path.range?.intervals(tuple, run)
  if (!last) return prefixes.map((prefix) => ({ from: prefix, to: prefix + BEHIND }))
  return prefixes.flatMap((prefix) => last.map(({ from, to }) => ({ from: prefix + from, to: prefix + to })))
}

/** The keys themselves of a path that names whole keys. */
export function wholeKeys(path: KeyPath, tuple: Tuple, run: Run): readonly string[] {
  return keyRanges(path, tuple, run).map(({ from }) => from)
}

/** @throws ScanRefused when more rows were looked at than a query may that no index serves */
export function countScanned(
  run: Run,
  { path, node, rows }: { readonly path: KeyPath; readonly node: OperationNode; readonly rows: number },
): void {
  const scanned = (run.scanned.get(path) ?? 0) + rows
  run.scanned.set(path, scanned)
  if (scanned > run.scanRowsMax)
    throw ScanRefused({ table: path.table.name, rows: run.scanRowsMax, fragment: fragmentOf(node) })
}
