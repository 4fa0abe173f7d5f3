/** Lists as Keystone has them: exact and inexact filters, `limit` and `marker`, links, and what is unknown ignored. */

import { BadRequest, page, parseLimit } from '@atoll/http'
import type { Row } from '@atoll/rome'
import type { RecordTable, SelectOf, State } from '@atoll/state'
import { Type } from 'typebox'
import type { AnyContext } from './identity.ts'

/** The most that one page holds; also what a client gets that asks for no limit. */
export const PAGE_MAX = 1000

/** Everything is text here; unknown parameters pass, as in Keystone. */
export const listQuery = Type.Record(Type.String(), Type.String({ maxLength: 1024 }))

export type ListQuery = Readonly<Record<string, string>>

export interface ListOptions<T extends RecordTable> {
  readonly table: T
  /** Name of the list in the reply: `users`. */
  readonly collection: string
  /** Columns of text that can be filtered, inexactly too: `name`, `name__contains`. */
  readonly filters: readonly (keyof Row<T> & string)[]
  /** Whether `enabled` is a column and a filter. */
  readonly hasEnabled?: boolean
  /** What the caller may see at most, whatever it asks for. */
  readonly where?: Readonly<Partial<Record<keyof Row<T> & string, string>>>
  /** Only these ids. */
  readonly ids?: readonly string[]
  /** A filter that the store does not know. */
  readonly keep?: (row: Row<T>) => boolean
  /** Default: `name`; the id decides between equals. */
  readonly sort?: keyof Row<T> & string
  readonly view: (row: Row<T>) => object
}

/** Answers a list request. @throws BadRequest for a bad limit or a marker that is gone */
export async function listRecords<T extends RecordTable>(
  context: AnyContext,
  state: State,
  options: ListOptions<T>,
): Promise<object> {
  const query = context.query as ListQuery
  const { rows, hasMore } = await readPage(context, state, options)
  const shown = rows.filter((row) => matchesInexactly(row, query, options) && (options.keep?.(row) ?? true))
  return {
    [options.collection]: shown.map((row) => options.view(row)),
    links: pageLinks(context, query, hasMore ? String(rows.at(-1)?.id) : undefined),
    ...(hasMore && query.limit === undefined && { truncated: true }),
  }
}

/** A list that fits one page. */
export function wholeList(context: AnyContext, collection: string, items: readonly object[]): object {
  return { [collection]: items, links: pageLinks(context, {}, undefined) }
}

/** What `readPage` looks at. */
export type PageOptions<T extends RecordTable> = Pick<
  ListOptions<T>,
  'table' | 'filters' | 'hasEnabled' | 'where' | 'ids' | 'sort'
>

/** One page of what the query's exact filters, and roughly its inexact ones, let through. */
export async function readPage<T extends RecordTable>(
  context: AnyContext,
  state: State,
  options: PageOptions<T>,
): Promise<{ rows: readonly Row<T>[]; hasMore: boolean }> {
  const query = context.query as ListQuery
  const limit = parseLimit(query.limit, PAGE_MAX)
  if (limit === 0 || options.ids?.length === 0) return { rows: [], hasMore: false }
  let select = state.select(context.scope, options.table) as unknown as SelectOf<RecordTable>
  const where: [string, string | undefined][] = [
    ...Object.entries(options.where ?? {}),
    ...options.filters.map((column): [string, string | undefined] => [column, query[column]]),
  ]
  for (const [column, value] of where)
    if (value !== undefined) select = select.where(column as 'id', '=', value)
  if (options.hasEnabled && query.enabled !== undefined)
    select = select.where('enabled' as 'seq', '=', isTrue(query.enabled) as unknown as number)
  if (options.ids) select = select.where('id', 'in', options.ids)
  for (const { column, pattern } of inexactFilters(query, options))
    select = select.where(column as 'id', 'like', pattern)
  const marker = query.marker ? await state.find(context.scope, options.table, query.marker) : undefined
  if (query.marker && !marker)
    throw BadRequest({ message: `Marker ${query.marker.slice(0, 64)} could not be found.` })
  const paged = page(select.selectAll() as never, {
    limit: limit + 1,
    sort: [{ column: options.sort ?? 'name', direction: 'asc' }],
    marker,
  }) as unknown as { execute(): Promise<Row<T>[]> }
  const rows = await paged.execute()
  return { rows: rows.slice(0, limit), hasMore: rows.length > limit }
}

/** Everything but these is true, as Keystone reads flags. */
export function isTrue(text: string): boolean {
  return !/^(0|false)$/i.test(text)
}

const comparators: Readonly<
  Record<string, { pattern: (text: string) => string; holds: (value: string, text: string) => boolean }>
> = {
  contains: { pattern: (text) => `%${text}%`, holds: (value, text) => value.includes(text) },
  startswith: { pattern: (text) => `${text}%`, holds: (value, text) => value.startsWith(text) },
  endswith: { pattern: (text) => `%${text}`, holds: (value, text) => value.endsWith(text) },
}

function inexactFilters<T extends RecordTable>(query: ListQuery, { filters }: PageOptions<T>) {
  return Object.entries(query).flatMap(([name, text]) => {
    const [column = '', suffix = ''] = name.split('__')
    const ignoresCase = suffix.startsWith('i')
    const comparator = Object.hasOwn(comparators, suffix)
      ? comparators[suffix]
      : comparators[ignoresCase ? suffix.slice(1) : '']
    if (!comparator || !(filters as readonly string[]).includes(column)) return []
    return [{ column, text, ignoresCase, holds: comparator.holds, pattern: comparator.pattern(text) }]
  })
}

// The store's `like` knows neither case nor that `%` and `_` may be meant, so it finds at least what is wanted.
function matchesInexactly<T extends RecordTable>(
  row: Row<T>,
  query: ListQuery,
  options: ListOptions<T>,
): boolean {
  return inexactFilters(query, options).every(({ column, text, ignoresCase, holds }) => {
    const value = String((row as Readonly<Record<string, unknown>>)[column])
    return ignoresCase ? holds(value.toLowerCase(), text.toLowerCase()) : holds(value, text)
  })
}

/** Keystone's links of a list; `marker` is the last item when there are more. */
export function pageLinks(context: AnyContext, query: ListQuery, marker: string | undefined): object {
  const self = `${context.baseUrl}${context.path}`
  if (marker === undefined) return { self, previous: null, next: null }
  const next = new URLSearchParams({ ...query, marker })
  return { self, previous: null, next: `${context.baseUrl}${context.path.split('?')[0]}?${next.toString()}` }
}
