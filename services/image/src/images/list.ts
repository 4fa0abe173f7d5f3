/** Lists of images, page by page. */

import { type Context, page, type SortKey } from '@atoll/http'
import type { SelectOf, State } from '@atoll/state'
import type { AnyColumn } from 'kysely'
import { ImageInvalid, ImageNotFound } from '../errors.ts'
import { images } from '../records.ts'
import type { Caller, Image } from './access.ts'
import { type ImageFilters, type ImageQuery, readFilters } from './filters.ts'
import { viewImage } from './view.ts'

/** Glance's `limit_param_default` and `api_limit_max`. */
const LIMIT_DEFAULT = 25
const LIMIT_MAX = 1000
/** Rows that are read at a time, when a filter that the store does not know may drop some. */
const BATCH = 200

const sortColumns: Readonly<Record<string, string>> = {
  name: 'name',
  status: 'status',
  container_format: 'container_format',
  disk_format: 'disk_format',
  size: 'size_bytes',
  id: 'id',
  created_at: 'created_at',
  updated_at: 'updated_at',
}

/** The body of `GET /v2/images`. @throws ImageInvalid, ImageNotFound with status 400 for a marker that is gone */
export async function listImages(state: State, context: Context<ImageQuery>): Promise<object> {
  const { query, scope } = context
  const limit = readLimit(query.limit)
  const sort = readSort(query)
  const filters = readFilters(query, scope)
  const marker = await findMarker(state, context, query.marker)
  const found = await findPage(state, context, { limit, sort, filters, marker })
  const last = found.at(-1)
  return {
    images: found.map(viewImage),
    first: pathWith(query, undefined),
    ...(last && found.length === limit ? { next: pathWith(query, last.id) } : {}),
    schema: '/v2/schemas/images',
  }
}

interface Page {
  readonly limit: number
  readonly sort: readonly SortKey[]
  readonly filters: ImageFilters
  readonly marker: Image | undefined
}

async function findPage(
  state: State,
  caller: Caller,
  { limit, sort, filters, marker }: Page,
): Promise<readonly Image[]> {
  const found: Image[] = []
  const batch = Math.max(limit, BATCH)
  for (let last = marker; found.length < limit; ) {
    const query = page(selectImages(state, caller, filters) as never, { limit: batch, sort, marker: last })
    const rows = (await (query as unknown as SelectOf<typeof images>).selectAll().execute()) as Image[]
    found.push(...rows.filter(filters.matches))
    if (rows.length < batch) break
    last = rows.at(-1)
  }
  return found.slice(0, limit)
}

function selectImages(state: State, { scope, authorization }: Caller, filters: ImageFilters) {
  let query = state.select(scope, images)
  for (const { column, operator, value } of filters.conditions)
    query = query.where(column as AnyColumn<Record<'images', Image>, 'images'>, operator, value as never)
  const { visibility } = filters
  if (visibility === 'all') return query
  if (visibility !== undefined) return query.where('visibility', '=', visibility as Image['visibility'])
  return query.where((where) =>
    where.or([where('visibility', '!=', 'community'), where('project_id', '=', authorization.projectId)]),
  )
}

async function findMarker(
  state: State,
  { scope }: Caller,
  given: ImageQuery[string],
): Promise<Image | undefined> {
  if (typeof given !== 'string') return undefined
  const marker = await state.find(scope, images, given)
  if (!marker) throw ImageInvalid({ message: ImageNotFound.message({ id: given }) })
  return marker
}

function readLimit(given: ImageQuery[string]): number {
  if (given === undefined) return LIMIT_DEFAULT
  const limit = Number(given)
  if (given === '' || !Number.isSafeInteger(limit))
    throw ImageInvalid({ message: 'limit param must be an integer' })
  if (limit < 0) throw ImageInvalid({ message: 'limit param must be positive' })
  return Math.min(limit, LIMIT_MAX)
}

/** `sort=name:asc,size`, or `sort_key` and `sort_dir`, each once or repeated; descending unless told, newest first by default. */
function readSort(query: ImageQuery): readonly SortKey[] {
  const keys = [query.sort_key ?? []].flat()
  const directions = [query.sort_dir ?? []].flat()
  if (query.sort !== undefined) {
    if (keys.length > 0 || directions.length > 0)
      throw ImageInvalid({ message: 'Old and new sorting syntax cannot be combined' })
    const pairs = [query.sort].flat().join(',').split(',')
    return withTieBreak(pairs.map((pair) => sortKey(...(pair.split(':') as [string, string?]))))
  }
  if (directions.length > 1 && directions.length !== keys.length)
    throw ImageInvalid({ message: 'Number of sort dirs does not match the number of sort keys' })
  const given = keys.length > 0 ? keys : ['created_at']
  return withTieBreak(given.map((key, index) => sortKey(key, directions[index] ?? directions[0])))
}

function sortKey(key: string, direction = 'desc'): SortKey {
  const name = key.trim()
  const column = Object.hasOwn(sortColumns, name) ? sortColumns[name] : undefined
  if (column === undefined) {
    const available = Object.keys(sortColumns).join(', ')
    throw ImageInvalid({
      message: `Invalid sort key: ${name.slice(0, 64)}. It must be one of the following: ${available}.`,
    })
  }
  const trimmed = direction.trim()
  if (trimmed !== 'asc' && trimmed !== 'desc')
    throw ImageInvalid({ message: `Invalid sort direction: ${trimmed.slice(0, 64)}` })
  return { column, direction: trimmed }
}

function withTieBreak(keys: readonly SortKey[]): readonly SortKey[] {
  const isGiven = keys.some(({ column }) => column === 'created_at')
  return isGiven ? keys : [...keys, { column: 'created_at', direction: 'desc' }]
}

function pathWith(query: ImageQuery, marker: string | undefined): string {
  const parameters = new URLSearchParams()
  for (const [name, values] of Object.entries(query))
    if (name !== 'marker') for (const value of [values ?? []].flat()) parameters.append(name, value)
  if (marker !== undefined) parameters.append('marker', marker)
  const text = parameters.toString()
  return text === '' ? '/v2/images' : `/v2/images?${text}`
}
