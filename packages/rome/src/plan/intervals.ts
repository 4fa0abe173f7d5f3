/** What a condition says of one column, as intervals of encoded values: an index reads these and nothing else. */

import type { Run } from '../execute/run.ts'
import { AFTER_NULL, BEHIND, encodeValue } from '../keyspace/encode-value.ts'
import { comparisonAffinity, isNumeric } from '../values/affinity.ts'
import { lowerAscii, upperAscii } from '../values/like.ts'
import { compareText, type Value } from '../values/value.ts'
import { converted } from './comparison.ts'
import type { ComparisonOperator, Expression, Shape, Tuple } from './expression.ts'

/** Encoded values in `[from, to)`. */
export interface Interval {
  readonly from: string
  readonly to: string
}

/** Everything, NULL included. */
export const EVERYTHING: Interval = { from: '', to: BEHIND }

export interface Constraint {
  /** Sorted and disjoint. */
  readonly intervals: (tuple: Tuple, run: Run) => readonly Interval[]
  /** Whether each interval is one value. */
  readonly isPoints: boolean
  /** Whether there is at most one value. */
  readonly isSingle: boolean
  /** Whether the column alone decides: a value in the intervals fulfils the condition. */
  readonly isExact: boolean
  /** The slots of other sources that it reads. */
  readonly slots: number
}

export interface ColumnPlace {
  readonly slot: number
  readonly position: number
}

/** What `condition` says of the column; undefined when nothing. */
export function constraintOn(place: ColumnPlace, condition: Expression): Constraint | undefined {
  const { shape } = condition
  if (!shape) return undefined
  switch (shape.kind) {
    case 'compare':
      return (
        fromComparison(place, condition, shape.operator, shape.left, shape.right) ??
        fromComparison(place, condition, flipped[shape.operator], shape.right, shape.left)
      )
    case 'in':
      return fromList(place, shape)
    case 'like':
      return fromPrefix(place, shape)
    case 'and':
      return intersection(shape.parts.map((part) => constraintOn(place, part)))
    case 'or':
      return union(shape.parts.map((part) => constraintOn(place, part)))
  }
}

const flipped: Readonly<Record<ComparisonOperator, ComparisonOperator>> = {
  '=': '=',
  is: 'is',
  '!=': '!=',
  'is not': 'is not',
  '<': '>',
  '<=': '>=',
  '>': '<',
  '>=': '<=',
}

function isAt({ slot, position }: ColumnPlace, { column }: Expression): boolean {
  return column?.slot === slot && column.position === position
}

function fromComparison(
  place: ColumnPlace,
  condition: Expression,
  operator: ComparisonOperator,
  left: Expression,
  right: Expression,
): Constraint | undefined {
  if (!isAt(place, left) || (right.slots & (1 << place.slot)) !== 0 || right.readsStore) return undefined
  // Where the column itself would be converted, its encoding does not compare as the values do.
  const affinity = comparisonAffinity(left.affinity, right.affinity)
  if (affinity === 'numeric' && !isNumeric(left.affinity)) return undefined
  const [, value] = converted(condition.node, left, right)
  const interval = intervalOf[operator]
  if (operator === '!=' || (operator === 'is not' && right.constant?.value !== null)) return undefined
  const isPoints = operator === '=' || operator === 'is'
  return {
    intervals: (tuple, run) => interval(value(tuple, run)),
    isPoints,
    isSingle: isPoints,
    isExact: true,
    slots: right.slots,
  }
}

const intervalOf: Readonly<Record<ComparisonOperator, (value: Value) => readonly Interval[]>> = {
  '=': (value) => (value === null ? [] : [point(value)]),
  is: (value) => [point(value)],
  '<': (value) => (value === null ? [] : [{ from: AFTER_NULL, to: encodeValue(value) }]),
  '<=': (value) => (value === null ? [] : [{ from: AFTER_NULL, to: encodeValue(value) + BEHIND }]),
  '>': (value) => (value === null ? [] : [{ from: encodeValue(value) + BEHIND, to: BEHIND }]),
  '>=': (value) => (value === null ? [] : [{ from: encodeValue(value), to: BEHIND }]),
  '!=': () => [EVERYTHING],
  'is not': () => [{ from: AFTER_NULL, to: BEHIND }],
}

function point(value: Value): Interval {
  const from = encodeValue(value)
  return { from, to: from + BEHIND }
}

function fromList(place: ColumnPlace, shape: Shape & { readonly kind: 'in' }): Constraint | undefined {
  if (!isAt(place, shape.left) || (shape.slots & (1 << place.slot)) !== 0) return undefined
  return {
    intervals: (tuple, run) => merged(shape.values(tuple, run).flatMap(intervalOf['='])),
    isPoints: true,
    isSingle: false,
    isExact: true,
    slots: shape.slots,
  }
}

// Whatever begins with the prefix in any case lies between it in capitals and it in small letters.
function fromPrefix(place: ColumnPlace, shape: Shape & { readonly kind: 'like' }): Constraint | undefined {
  if (!isAt(place, shape.left) || shape.left.affinity !== 'text' || !shape.hasPrefix) return undefined
  const open = (prefix: string) => encodeValue(prefix).slice(0, -1)
  const intervals = (tuple: Tuple, run: Run) => {
    const prefix = shape.prefix(tuple, run)
    return [{ from: open(upperAscii(prefix)), to: open(lowerAscii(prefix)) + BEHIND }]
  }
  return { intervals, isPoints: false, isSingle: false, isExact: false, slots: 0 }
}

/** What all of several conditions say together; those that say nothing are undefined. */
export function intersection(all: readonly (Constraint | undefined)[]): Constraint | undefined {
  const parts = all.filter((part) => part !== undefined)
  const [first] = parts
  if (!first) return undefined
  if (all.length === 1) return first
  return {
    intervals: (tuple, run) => parts.map((part) => part.intervals(tuple, run)).reduce(intersect),
    isPoints: parts.some(({ isPoints }) => isPoints),
    isSingle: parts.some(({ isSingle }) => isSingle),
    isExact: parts.length === all.length && parts.every(({ isExact }) => isExact),
    slots: slotsOf(parts),
  }
}

function union(all: readonly (Constraint | undefined)[]): Constraint | undefined {
  const parts = all.filter((part) => part !== undefined)
  if (parts.length < all.length) return undefined
  return {
    intervals: (tuple, run) => merged(parts.flatMap((part) => part.intervals(tuple, run))),
    isPoints: parts.every(({ isPoints }) => isPoints),
    isSingle: false,
    isExact: parts.every(({ isExact }) => isExact),
    slots: slotsOf(parts),
  }
}

function slotsOf(parts: readonly Constraint[]): number {
  return parts.reduce((slots, part) => slots | part.slots, 0)
}

/** Sorted, and joined where they overlap. */
export function merged(intervals: readonly Interval[]): readonly Interval[] {
  if (intervals.length <= 1) return intervals.filter(({ from, to }) => from < to)
  const sorted = intervals
    .filter(({ from, to }) => from < to)
    .sort((left, right) => (left.from < right.from ? -1 : left.from > right.from ? 1 : 0))
  const joined: Interval[] = []
  for (const interval of sorted) {
    const last = joined.at(-1)
    if (!last || interval.from >= last.to) joined.push(interval)
    else if (interval.to > last.to) joined[joined.length - 1] = { from: last.from, to: interval.to }
  }
  return joined
}

function intersect(left: readonly Interval[], right: readonly Interval[]): readonly Interval[] {
  const common: Interval[] = []
  for (let i = 0, j = 0; i < left.length && j < right.length; ) {
    const a = left[i] as Interval
    const b = right[j] as Interval
    const from = compareText(a.from, b.from) < 0 ? b.from : a.from
    const isFirstShorter = a.to < b.to
    const to = isFirstShorter ? a.to : b.to
    if (from < to) common.push({ from, to })
    if (isFirstShorter) i++
    else j++
  }
  return common
}
