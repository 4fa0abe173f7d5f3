/** How the rows of one table are reached: by key, by a part of an index, by several of them, or by looking at all. */

import type { CatalogueColumn, CatalogueTable } from '../schema/catalogue.ts'
import type { Space } from '../stores/key-value/key-value-store.ts'
import type { Expression } from './expression.ts'
import { type Constraint, constraintOn, intersection } from './intervals.ts'
import { conjuncts } from './logic.ts'
import type { OrderItem } from './order.ts'

export interface KeyPath {
  readonly kind: 'key'
  readonly table: CatalogueTable
  readonly space: Space
  /** The space of the rows when `space` is an index. */
  readonly rowsOf: Space | null
  /** One for each of the first columns of the key: all of them points. */
  readonly prefix: readonly Constraint[]
  /** What is said of the column after them. */
  readonly range: Constraint | undefined
  /** The columns of the key, to be shown. */
  readonly columns: readonly string[]
  /** Whether a value of `prefix` is one row of the table at most: the rows are fetched by their keys. */
  readonly isWholeKey: boolean
  /** Whether rows come in the order that was asked for. */
  readonly isOrdered: boolean
  readonly isReversed: boolean
  /** The slots of other sources that must be read first. */
  readonly slots: number
  /** Conditions that every row of the path fulfils. */
  readonly fulfilled: readonly Expression[]
  readonly score: number
}

/** Several paths, each row once. */
export interface UnionPath {
  readonly kind: 'union'
  readonly table: CatalogueTable
  readonly branches: readonly KeyPath[]
  readonly isOrdered: false
  readonly slots: number
  readonly fulfilled: readonly Expression[]
  readonly score: number
}

export type AccessPath = KeyPath | UnionPath

/** A part of an index that is reached by an equality is taken to be small. */
const EQUALITY = 10
const UNIQUE = 1000
const RANGE = 4
/** To end early is worth more than to look at a range, and less than an equality. */
const ORDER_WITH_LIMIT = 5
const ORDER = 1
/** More parts of one `or` than this are not worth as many reads. */
const BRANCHES_MAX = 16

export interface PathRequest {
  readonly table: CatalogueTable
  readonly slot: number
  /** All must hold; those that read a slot which is not bound yet are left out. */
  readonly conditions: readonly Expression[]
  /** The order that would be welcome; empty for none. */
  readonly order: readonly OrderItem[]
  readonly hasLimit: boolean
  /** Whether the query has no other source, so that a whole key decides the order of its rows. */
  readonly isOnly: boolean
}

export function accessPath(request: PathRequest): AccessPath {
  const best = keyPath(request)
  return best.score >= EQUALITY ? best : (unionPath(request) ?? best)
}

/** Whether the path looks at every row of the table, or could. */
export function isScan(path: AccessPath): boolean {
  return path.kind === 'key' && path.prefix.length === 0 && !path.range
}

function keyPath(request: PathRequest): KeyPath {
  const { table } = request
  const constraints = new Map<number, Constraint | undefined>()
  const constraintOf = ({ position }: CatalogueColumn): Constraint | undefined => {
    if (!constraints.has(position)) constraints.set(position, constraintAt(request, position))
    return constraints.get(position)
  }
  let best = pathBy(request, constraintOf, {
    space: table.space,
    rowsOf: null,
    columns: table.primaryKey,
    uniqueColumns: table.primaryKey.length,
  })
  for (const index of table.indexes) {
    if (best.score >= UNIQUE) break
    if (index.isPending) continue
    const path = pathBy(request, constraintOf, {
      space: index.space,
      rowsOf: table.space,
      columns: [...index.columns, ...table.primaryKey],
      uniqueColumns: index.isUnique ? index.columns.length : Number.POSITIVE_INFINITY,
    })
    if (path.score > best.score) best = path
  }
  return best
}

function constraintAt({ slot, conditions }: PathRequest, position: number): Constraint | undefined {
  const parts: Constraint[] = []
  for (const condition of conditions) {
    const part = constraintOn({ slot, position }, condition)
    if (part) parts.push(part)
  }
  return intersection(parts)
}

interface Key {
  readonly space: Space
  readonly rowsOf: Space | null
  readonly columns: readonly CatalogueColumn[]
  readonly uniqueColumns: number
}

function pathBy(
  request: PathRequest,
  constraintOf: (column: CatalogueColumn) => Constraint | undefined,
  { space, rowsOf, columns, uniqueColumns }: Key,
): KeyPath {
  const prefix: Constraint[] = []
  let range: Constraint | undefined
  for (const column of columns) {
    const constraint = constraintOf(column)
    if (!constraint) break
    if (!constraint.isPoints) {
      range = constraint
      break
    }
    prefix.push(constraint)
  }
  const ordered = orderOf(request, columns, prefix)
  const isUnique = prefix.length >= uniqueColumns
  const used = range ? [...prefix, range] : prefix
  const score =
    (isUnique ? UNIQUE : 0) +
    EQUALITY * prefix.length +
    (range ? RANGE : 0) +
    (ordered ? (request.hasLimit ? ORDER_WITH_LIMIT : rowsOf && used.length === 0 ? -1 : ORDER) : 0)
  return {
    kind: 'key',
    table: request.table,
    space,
    rowsOf,
    prefix,
    range,
    columns: columns.map(({ name }) => name),
    isWholeKey: rowsOf === null && prefix.length === columns.length,
    isOrdered: ordered !== undefined || request.order.length === 0,
    isReversed: ordered === 'desc',
    slots: used.reduce((slots, constraint) => slots | constraint.slots, 0),
    fulfilled: fulfilledBy(request, columns.slice(0, used.length)),
    score,
  }
}

// A condition that one column of the path decides alone need not be looked at again.
function fulfilledBy(
  { slot, conditions }: PathRequest,
  columns: readonly CatalogueColumn[],
): readonly Expression[] {
  return conditions.filter((condition) =>
    columns.some(({ position }) => constraintOn({ slot, position }, condition)?.isExact === true),
  )
}

// Whether the key has the order that was asked for: columns with one value count as absent on both sides.
function orderOf(
  { slot, order, table, isOnly }: PathRequest,
  columns: readonly CatalogueColumn[],
  prefix: readonly Constraint[],
): 'asc' | 'desc' | undefined {
  if (order.length === 0) return undefined
  const isConstant = (position: number) =>
    columns.some((column, index) => column.position === position && prefix[index]?.isSingle === true)
  const key = columns.filter(({ position }) => !isConstant(position))
  const seen = new Set<number>()
  let direction: 'asc' | 'desc' | undefined
  let next = 0
  for (const item of order) {
    if (isOnly && table.primaryKey.every(({ position }) => seen.has(position) || isConstant(position))) break
    const { column } = item.expression
    if (column?.slot !== slot || !item.hasUsualNulls) return undefined
    if (isConstant(column.position) || seen.has(column.position)) continue
    while (key[next] !== undefined && seen.has((key[next] as CatalogueColumn).position)) next++
    if (key[next]?.position !== column.position) return undefined
    if (direction !== undefined && direction !== item.direction) return undefined
    direction = item.direction
    seen.add(column.position)
    next++
  }
  return direction ?? 'asc'
}

function unionPath(request: PathRequest): UnionPath | undefined {
  const alternative = request.conditions.find(
    ({ shape }) => shape?.kind === 'or' && shape.parts.length <= BRANCHES_MAX,
  )
  if (alternative?.shape?.kind !== 'or') return undefined
  const others = request.conditions.filter((condition) => condition !== alternative)
  const branches = alternative.shape.parts.map((part) =>
    keyPath({ ...request, conditions: [...conjuncts(part), ...others], order: [] }),
  )
  if (branches.some(({ score }) => score < EQUALITY)) return undefined
  return {
    kind: 'union',
    table: request.table,
    branches,
    isOrdered: false,
    slots: branches.reduce((slots, branch) => slots | branch.slots, 0),
    fulfilled: [],
    score: EQUALITY,
  }
}
