/**
 * What a shard would show at a later position than it has applied: its own answer, and over it the writes that it lacks.
 * Pure functions of both.
 */

import type { ByteString, RangeRequest, RangeResult, SpaceKey } from '../key-value/key-value-store.ts'
import { rowOf } from '../key-value/row-of.ts'
import type { Pending } from './recent-log.ts'

/** How one shard answers for a range, with the writes that it lacked. */
export interface ShardRange {
  /** In the order asked for. Without a value: a row that is to be asked for by its key. */
  readonly items: readonly ShardItem[]
  /**
   * Null when these are all that the shard has. Otherwise the shard is sure of the keys up to this one (in the order asked
   * for), and `hasMore` says whether there surely is one behind it.
   */
  readonly sureTo: ByteString | null
  readonly hasMore: boolean
}

export interface ShardItem {
  readonly key: ByteString
  readonly value: ByteString | undefined
}

export function overlayValue(
  { space, key }: SpaceKey,
  stored: ByteString | null,
  pending: Pending,
): ByteString | null {
  const written = pending.in(space).get(key)
  return written === undefined ? stored : written
}

export function overlayRange(request: RangeRequest, stored: RangeResult, pending: Pending): ShardRange {
  const { space, from, to, rowsOf } = request
  const sureTo = stored.isComplete ? null : (stored.keys.at(-1) ?? '')
  const isSure = (key: ByteString) => sureTo === null || (request.isReversed ? key >= sureTo : key <= sureTo)
  const items = new Map<ByteString, ByteString | undefined>()
  for (const [index, key] of stored.keys.entries()) items.set(key, stored.values[index] ?? '')
  let hasMore = sureTo !== null
  for (const [key, value] of pending.in(space)) {
    if (key < from || key >= to) continue
    if (!isSure(key)) {
      // It may delete the very key that the shard has behind these.
      if (value === null) hasMore = false
    } else if (value === null) items.delete(key)
    else if (rowsOf === null) items.set(key, value)
    else if (!items.has(key)) items.set(key, undefined)
  }
  if (rowsOf !== null) overlayRows({ rowsOf, items, pending })
  return { items: sorted(items, request.isReversed), sureTo, hasMore }
}

function overlayRows({
  rowsOf,
  items,
  pending,
}: {
  rowsOf: string
  items: Map<ByteString, ByteString | undefined>
  pending: Pending
}): void {
  const rows = pending.in(rowsOf)
  if (rows.size === 0) return
  for (const key of items.keys()) {
    const row = rows.get(rowOf(rowsOf, key).key)
    if (row !== undefined) items.set(key, row ?? '')
  }
}

/** The answers of all shards as one; null when more must be asked of shards that have more. */
export function mergeRanges(
  { limit, isReversed }: Pick<RangeRequest, 'limit' | 'isReversed'>,
  parts: readonly ShardRange[],
): { readonly items: readonly ShardItem[]; readonly isComplete: boolean } | null {
  let bound: ByteString | null = null
  for (const { sureTo } of parts)
    if (sureTo !== null && (bound === null || (isReversed ? sureTo > bound : sureTo < bound))) bound = sureTo
  const safe: ShardItem[] = []
  for (const { items } of parts)
    for (const item of items)
      if (bound === null || (isReversed ? item.key >= bound : item.key <= bound)) safe.push(item)
  safe.sort(isReversed ? descending : ascending)
  const hasMore =
    safe.length > limit || parts.some((part) => part.hasMore || hasBehind(part, bound, isReversed))
  if (bound !== null && safe.length < limit) return null
  if (bound !== null && !hasMore) return null
  return { items: safe.slice(0, limit), isComplete: bound === null && safe.length <= limit }
}

/** Whether a shard has shown a key behind the bound of another. */
function hasBehind({ items }: ShardRange, bound: ByteString | null, isReversed: boolean): boolean {
  const last = items.at(-1)
  return bound !== null && last !== undefined && (isReversed ? last.key < bound : last.key > bound)
}

function sorted(
  items: ReadonlyMap<ByteString, ByteString | undefined>,
  isReversed: boolean,
): readonly ShardItem[] {
  return [...items].map(([key, value]) => ({ key, value })).sort(isReversed ? descending : ascending)
}

const ascending = (left: ShardItem, right: ShardItem) => (left.key < right.key ? -1 : 1)
const descending = (left: ShardItem, right: ShardItem) => (left.key < right.key ? 1 : -1)
