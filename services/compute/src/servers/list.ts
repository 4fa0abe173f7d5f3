/** Lists of servers: a page by keyset, however many rows the filters let fall. */

import { page, type SortKey } from '@atoll/http'
import type { ComputeDependencies } from '../dependencies.ts'
import { LimitExceeded, MarkerNotFound } from '../errors.ts'
import { servers } from '../records.ts'
import type { RequestContext } from '../request-context.ts'
import { last, pageLimit } from '../schemas.ts'
import { ownProject } from './find.ts'
import { type ServerFilters, serverFilters } from './list-filters.ts'
import { type ListQuery, sortColumns } from './list-schema.ts'
import type { ServerRow } from './status.ts'

/** How many rows are read at once when each must be tested. */
const BATCH = 500

export interface ServerPage {
  readonly rows: readonly ServerRow[]
  /** Id of the last row when there may be more. */
  readonly next: string | undefined
}

export async function listServers(
  dependencies: ComputeDependencies,
  context: RequestContext,
  isDetail: boolean,
): Promise<ServerPage> {
  const filters = serverFilters(dependencies, context, isDetail)
  const query = context.query as ListQuery
  const limit = pageLimit(query.limit as unknown as readonly string[] | undefined)
  const sort = sortOf(context, query)
  let marker = await markerRow(dependencies, context, last(query.marker))
  if (filters.isEmpty || limit === 0) return { rows: [], next: undefined }
  const isTested = filters.tests.length > 0 || filters.addressTests.length > 0
  const rows: ServerRow[] = []
  while (rows.length < limit) {
    const size = isTested ? BATCH : limit
    const batch = await readBatch(dependencies, context, filters, { limit: size, sort, marker })
    rows.push(...(await passing(dependencies, filters, batch)))
    marker = batch.at(-1)
    if (batch.length < size) break
  }
  const shown = rows.slice(0, limit)
  return { rows: shown, next: shown.length === limit ? shown.at(-1)?.id : undefined }
}

function readBatch(
  { state }: ComputeDependencies,
  context: RequestContext,
  filters: ServerFilters,
  request: { limit: number; sort: readonly SortKey[]; marker: ServerRow | undefined },
): Promise<ServerRow[]> {
  const scope = filters.isAllTenants ? context.scope : ownProject(context)
  const all =
    filters.deleted === false ? state.select(scope, servers) : state.selectWithTombstones(scope, servers)
  let query = all.selectAll()
  if (filters.deleted === true) query = query.where('deleted_at', 'is not', null)
  for (const [column, values] of filters.exact) query = query.where(column, 'in', values as never)
  if (filters.vmStates) query = query.where('vm_state', 'in', filters.vmStates)
  const { changedSinceMs, changedBeforeMs } = filters
  const changed = (operator: '>=' | '<=', ms: number) => {
    query = query.where((where) =>
      where.or([
        where('updated_at', operator, ms),
        where.and([where('updated_at', 'is', null), where('created_at', operator, ms)]),
      ]),
    )
  }
  if (changedSinceMs !== undefined) changed('>=', changedSinceMs)
  if (changedBeforeMs !== undefined) changed('<=', changedBeforeMs)
  return page(query, request).execute()
}

async function passing(
  { state, network }: ComputeDependencies,
  { tests, addressTests }: ServerFilters,
  rows: readonly ServerRow[],
): Promise<readonly ServerRow[]> {
  const tested = rows.filter((server) => tests.every((test) => test(server)))
  if (addressTests.length === 0 || tested.length === 0) return tested
  const interfaces = await network.interfacesOf(
    state,
    tested.map(({ id }) => id),
  )
  return tested.filter(({ id }) => addressTests.every((test) => test(interfaces.get(id) ?? [])))
}

// A server that was deleted since the page before still says where the next one begins.
async function markerRow(
  { state }: ComputeDependencies,
  context: RequestContext,
  marker: string | undefined,
): Promise<ServerRow | undefined> {
  if (marker === undefined) return undefined
  const row = await state
    .selectWithTombstones(context.scope, servers)
    .selectAll()
    .where('id', '=', marker)
    .executeTakeFirst()
  if (!row) throw MarkerNotFound({ marker })
  return row
}

function sortOf(context: RequestContext, query: ListQuery): SortKey[] {
  const directions = query.sort_dir ?? []
  const keys = (query.sort_key ?? ['created_at']).flatMap((name, index): SortKey[] => {
    const isAdminsOnly = name === 'host' || name === 'node'
    if (isAdminsOnly && !context.allows('os_compute_api:servers:allow_all_filters'))
      throw LimitExceeded({ message: `Only administrators can sort servers by ${name}` })
    const column = sortColumns[name]
    const direction = (directions[index] ?? directions.at(-1) ?? 'desc') === 'asc' ? 'asc' : 'desc'
    return column ? [{ column, direction }] : []
  })
  return keys.length > 0 ? keys : [{ column: 'created_at', direction: 'desc' }]
}
