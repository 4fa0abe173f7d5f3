/** Paging by `limit` and `marker` over any sort order: keyset conditions, so that page n costs as much as page 1. */

import type { ExpressionBuilder, SelectQueryBuilder } from 'kysely'
import { BadRequest } from './errors.ts'

export interface SortKey {
  readonly column: string
  readonly direction: 'asc' | 'desc'
}

export interface PageRequest {
  /** At most this many items, already capped by the service's maximum. */
  readonly limit: number
  readonly sort: readonly SortKey[]
  /** The last item of the page before, as a row; undefined for the first page. */
  readonly marker: Readonly<Record<string, unknown>> | undefined
}

type AnyBuilder = ExpressionBuilder<Record<string, Record<string, unknown>>, string>

/**
 * Adds order, keyset condition and limit to a query. `id` is added as the last key, so that the order is total.
 * NULLs sort first in both stores and conditions, as SQLite has them.
 */
export function page<Query extends SelectQueryBuilder<never, never, object>>(
  query: Query,
  request: PageRequest,
): Query {
  const keys: SortKey[] = [...request.sort]
  if (!keys.some(({ column }) => column === 'id'))
    keys.push({ column: 'id', direction: keys.at(-1)?.direction ?? 'asc' })
  let paged = query as unknown as SelectQueryBuilder<Record<string, Record<string, unknown>>, string, object>
  const { marker } = request
  if (marker) paged = paged.where((builder) => after(builder as AnyBuilder, keys, marker))
  for (const { column, direction } of keys) paged = paged.orderBy(column, direction)
  return paged.limit(request.limit) as unknown as Query
}

// (a, b) after (x, y)  ⇔  a after x, or a = x and b after y.
function after(builder: AnyBuilder, keys: readonly SortKey[], marker: Readonly<Record<string, unknown>>) {
  return builder.or(
    keys.map((key, index) => {
      const equal = keys.slice(0, index).map(({ column }) => builder(column, 'is', marker[column] ?? null))
      return builder.and([...equal, beyond(builder, key, marker[key.column] ?? null)])
    }),
  )
}

function beyond(builder: AnyBuilder, { column, direction }: SortKey, value: unknown) {
  if (direction === 'asc')
    return value === null ? builder(column, 'is not', null) : builder(column, '>', value)
  return value === null
    ? builder.lit(false)
    : builder.or([builder(column, '<', value), builder(column, 'is', null)])
}

/** Reads `limit` from a query string; capped at `max`, which is also what no limit means. @throws BadRequest */
export function parseLimit(limit: string | number | undefined, max: number): number {
  if (limit === undefined || limit === '') return max
  const number = Number(limit)
  if (!/^\d+$/.test(String(limit)) || !Number.isSafeInteger(number)) {
    throw BadRequest({
      message: `Invalid input for query parameters limit. Value: ${String(limit).slice(0, 64)}.`,
    })
  }
  return Math.min(number, max)
}

/** A parameter of a query string: absent, once, or repeated. */
export type QueryText = string | readonly string[] | undefined

/** Reads `sort_key` and `sort_dir`, each once or repeated or comma-joined. @throws BadRequest for an unknown column */
export function parseSort(
  query: { readonly sort_key?: QueryText; readonly sort_dir?: QueryText; readonly sort?: QueryText },
  columns: Readonly<Record<string, string>>,
  fallback: readonly SortKey[],
): readonly SortKey[] {
  const list = (value: QueryText) => [value ?? []].flat().flatMap((text) => text.split(',').filter(Boolean))
  const pairs = list(query.sort).map((text): readonly [string, string | undefined] => {
    const [name = '', direction] = text.split(':')
    return [name, direction]
  })
  const directions = list(query.sort_dir)
  for (const [index, name] of list(query.sort_key).entries()) pairs.push([name, directions[index]])
  if (pairs.length === 0) return fallback
  return pairs.map(([name, direction]) => {
    const column = Object.hasOwn(columns, name) ? columns[name] : undefined
    if (!column) throw BadRequest({ message: `Unable to sort by ${name.slice(0, 64)}` })
    if (direction !== undefined && direction !== 'asc' && direction !== 'desc') {
      throw BadRequest({ message: `Unknown sort direction, must be one of: asc, desc` })
    }
    return { column, direction: direction ?? 'asc' }
  })
}
