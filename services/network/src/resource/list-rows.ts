/** Lists as Neutron has them: filters, sort, and pages that can be walked both ways. */

import { BadRequest, type PageRequest, page, parseLimit, parseSort } from '@atoll/http'
import type { Row } from '@atoll/rome'
import type { AnyRecord, Reader, RecordTable, SelectOf } from '@atoll/state'
import type { TObject } from 'typebox'
import { InvalidInput } from '../errors.ts'
import type { AnyContext, Attribute, Resource } from './resource.ts'

/** The largest page, and the page of a client that names none. */
export const PAGE_MAX = 1000
/** More values of one filter are refused. */
const VALUES_MAX = 1000

export interface Link {
  readonly rel: 'next' | 'previous'
  readonly href: string
}

export interface Page<R> {
  readonly rows: readonly R[]
  readonly links: readonly Link[]
}

type AnyResource<T extends RecordTable> = Resource<T, TObject, TObject>
type Query = Readonly<Record<string, string | readonly string[] | undefined>>
type Match<R> = (row: R) => boolean

/** One page of what the context's bearer may see. @throws BadRequest, InvalidInput */
export async function listRows<T extends RecordTable>(
  reader: Reader,
  resource: AnyResource<T>,
  context: AnyContext,
): Promise<Page<Row<T>>> {
  const { fields: _, limit, marker, page_reverse, sort_key, sort_dir, ...filters } = context.query as Query
  const isReverse = parseBoolean(last(page_reverse) ?? 'false')
  const columns = Object.entries(resource.attributes).flatMap(([name, attribute]) =>
    'column' in attribute && isAllowed(context, attribute) ? [[name, attribute.column]] : [],
  )
  const sort = parseSort({ sort_key, sort_dir }, Object.fromEntries(columns), [
    { column: 'created_at', direction: 'asc' },
  ])
  const limitOrAll = parseLimit(last(limit), PAGE_MAX) || PAGE_MAX
  const markerRow = await findMarker(reader, resource, context, last(marker))
  const [narrow, matches] = readFilters(resource, context, filters)
  const found = await collect(reader, resource, context, {
    narrow,
    matches,
    request: { limit: limitOrAll, sort: isReverse ? sort.map(reversed) : sort, marker: markerRow },
  })
  const hasMore = found.length > limitOrAll
  const rows = found.slice(0, limitOrAll)
  if (isReverse) rows.reverse()
  return {
    rows,
    links: linksOf(context, rows as readonly AnyRecord[], {
      isReverse,
      hasMore,
      hasMarker: markerRow !== undefined,
    }),
  }
}

interface Collecting<T extends RecordTable> {
  readonly narrow: (query: SelectOf<T>) => SelectOf<T>
  readonly matches: readonly Match<Row<T>>[]
  readonly request: PageRequest
}

// One row more than the page tells whether another page follows. What the store cannot decide is decided here,
// page by page, so that memory stays bounded however few rows match.
async function collect<T extends RecordTable>(
  reader: Reader,
  { table }: AnyResource<T>,
  { scope }: AnyContext,
  { narrow, matches, request }: Collecting<T>,
): Promise<Row<T>[]> {
  const wanted = request.limit + 1
  const size = matches.length === 0 ? wanted : PAGE_MAX
  const rows: Row<T>[] = []
  for (let { marker } = request; ; ) {
    const query = narrow(reader.select(scope, table)) as unknown as SelectOf<RecordTable>
    const batch = await page(query.selectAll() as never as SelectOf<never>, {
      ...request,
      limit: size,
      marker,
    }).execute()
    for (const row of batch as Row<T>[]) {
      if (matches.every((match) => match(row))) rows.push(row)
      if (rows.length === wanted) return rows
    }
    if (batch.length < size) return rows
    marker = batch.at(-1) as PageRequest['marker']
  }
}

function readFilters<T extends RecordTable>(
  resource: AnyResource<T>,
  context: AnyContext,
  filters: Query,
): readonly [narrow: (query: SelectOf<T>) => SelectOf<T>, matches: readonly Match<Row<T>>[]] {
  const conditions: { readonly column: string; readonly values: readonly unknown[] }[] = []
  const matches: Match<Row<T>>[] = []
  for (const [name, value] of Object.entries(filters)) {
    const values = [value ?? []].flat()
    if (values.length > VALUES_MAX) throw BadRequest({ message: `Too many values of ${name.slice(0, 64)}` })
    const attribute = Object.hasOwn(resource.attributes, name) ? resource.attributes[name] : undefined
    if (!attribute || !isAllowed(context, attribute)) {
      throw InvalidInput({ reason: `['${name.slice(0, 64)}'] is invalid attribute for filtering` })
    }
    if ('column' in attribute) {
      const kind = resource.table.columns[attribute.column]?.kind ?? 'text'
      conditions.push({ column: attribute.column, values: values.map((text) => parseValue(kind, text)) })
    } else if ('matches' in attribute) {
      matches.push((row) => attribute.matches(row, values))
    } else {
      const isMet = values.some((text) => text.toLowerCase() === String(attribute.constant).toLowerCase())
      if (!isMet) matches.push(() => false)
    }
  }
  const narrow = (query: SelectOf<T>): SelectOf<T> => {
    let narrowed = query as unknown as SelectOf<RecordTable>
    for (const { column, values } of conditions) {
      narrowed = narrowed.where(column as 'id', 'in', values as string[])
    }
    return narrowed as unknown as SelectOf<T>
  }
  return [narrow, matches]
}

function isAllowed<R>(context: AnyContext, { rule }: Attribute<R>): boolean {
  return rule === undefined || context.allows(rule)
}

function parseValue(kind: string, text: string): unknown {
  if (kind === 'boolean') return parseBoolean(text)
  if (kind !== 'integer') return text
  if (!/^\d{1,15}$/.test(text)) throw InvalidInput({ reason: `'${text.slice(0, 64)}' is not an integer` })
  return Number(text)
}

function parseBoolean(text: string): boolean {
  const word = text.toLowerCase()
  if (word === 'true' || word === '1') return true
  if (word === 'false' || word === '0') return false
  throw InvalidInput({ reason: `'${text.slice(0, 64)}' cannot be converted to boolean` })
}

async function findMarker<T extends RecordTable>(
  reader: Reader,
  { table }: AnyResource<T>,
  { scope }: AnyContext,
  marker: string | undefined,
): Promise<Row<T> | undefined> {
  if (marker === undefined || marker === '') return undefined
  const row = await reader.find(scope, table, marker)
  if (!row) throw BadRequest({ message: `Marker ${marker.slice(0, 64)} could not be found.` })
  return row
}

function linksOf(
  context: AnyContext,
  rows: readonly { readonly id: string }[],
  { isReverse, hasMore, hasMarker }: { isReverse: boolean; hasMore: boolean; hasMarker: boolean },
): readonly Link[] {
  const [first, final] = [rows[0], rows.at(-1)]
  const links: Link[] = []
  if (final && (isReverse ? hasMarker : hasMore)) links.push(linkOf(context, 'next', final.id))
  if (first && (isReverse ? hasMore : hasMarker)) links.push(linkOf(context, 'previous', first.id))
  return links
}

function linkOf({ baseUrl, path }: AnyContext, rel: Link['rel'], marker: string): Link {
  const [resourcePath = '', queryText = ''] = path.split('?')
  const query = new URLSearchParams(queryText)
  query.delete('page_reverse')
  query.set('marker', marker)
  if (rel === 'previous') query.set('page_reverse', 'True')
  return { rel, href: `${baseUrl}${resourcePath}?${query.toString()}` }
}

function reversed({ column, direction }: PageRequest['sort'][number]): PageRequest['sort'][number] {
  return { column, direction: direction === 'asc' ? 'desc' : 'asc' }
}

function last(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : value?.at(-1)
}
