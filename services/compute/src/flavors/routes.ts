/** `/flavors`: list, show, create, describe, delete. */

import { type Endpoint, endpoint, isAdministrator } from '@atoll/http'
import { Type } from 'typebox'
import type { ComputeDependencies } from '../dependencies.ts'
import { InvalidRequest, MarkerNotFound } from '../errors.ts'
import { nextLink } from '../links.ts'
import type { RequestContext } from '../request-context.ts'
import {
  boolean,
  closed,
  isTrue,
  last,
  name,
  pageLimit,
  pagingParameters,
  parameter,
  textParameter,
  wholeNumber,
} from '../schemas.ts'
import { byVersion } from '../versions.ts'
import { changeFlavor, createFlavor, deleteFlavor, findFlavor, listFlavors } from './app.ts'
import { type FlavorRow, flavorDetail, flavorSummary } from './view.ts'

/** By the names that Nova's clients sort by. */
const sortColumns: Readonly<Record<string, keyof FlavorRow>> = {
  created_at: 'created_at',
  description: 'description',
  ephemeral_gb: 'ephemeral_gib',
  flavorid: 'flavor_id',
  id: 'id',
  is_public: 'is_public',
  memory_mb: 'ram_mib',
  name: 'name',
  root_gb: 'disk_gib',
  rxtx_factor: 'rxtx_factor',
  swap: 'swap_mib',
  updated_at: 'updated_at',
  vcpus: 'vcpus',
  // Of a flavor's columns that nobody could ever set.
  disabled: 'id',
  vcpu_weight: 'id',
}

const listParameters = {
  ...pagingParameters,
  is_public: textParameter,
  minRam: textParameter,
  minDisk: textParameter,
  sort_key: parameter(Type.Unsafe<string>({ type: 'string', enum: Object.keys(sortColumns) })),
  sort_dir: parameter(Type.Unsafe<string>({ type: 'string', enum: ['asc', 'desc'] })),
}
const listQuery = (isClosed: boolean) => Type.Object(listParameters, { additionalProperties: !isClosed })

const flavorDescription = Type.Union([
  Type.String({ maxLength: 65_535, pattern: '^[^\\x00-\\x08\\x0e-\\x1f\\x7f]*$' }),
  Type.Null(),
])

const newFlavor = {
  name,
  id: Type.Optional(
    Type.Unsafe<string | number | null>({
      type: ['string', 'number', 'null'],
      minLength: 1,
      maxLength: 255,
      pattern: '^(?! )[a-zA-Z0-9. _-]+(?<! )$',
    }),
  ),
  ram: wholeNumber(1),
  vcpus: wholeNumber(1),
  disk: wholeNumber(0),
  'OS-FLV-EXT-DATA:ephemeral': Type.Optional(wholeNumber(0)),
  swap: Type.Optional(wholeNumber(0)),
  rxtx_factor: Type.Optional(
    Type.Unsafe<number | string>({
      type: ['number', 'string'],
      pattern: '^[0-9]+(\\.[0-9]+)?$',
      exclusiveMinimum: 0,
    }),
  ),
  'os-flavor-access:is_public': Type.Optional(boolean),
}

export function flavorEndpoints(dependencies: ComputeDependencies): Endpoint[] {
  const { state } = dependencies
  return [
    ...listEndpoints(dependencies),
    endpoint({
      method: 'GET',
      path: '/flavors/:flavor_id',
      rule: 'os_compute_api:flavors',
      handle: async (context) => {
        const flavor = await findFlavor(state, context, context.params.flavor_id ?? '')
        return { flavor: flavorDetail(context, flavor) }
      },
    }),
    ...createEndpoints(dependencies),
    endpoint({
      method: 'PUT',
      path: '/flavors/:flavor_id',
      since: '2.55',
      rule: 'os_compute_api:os-flavor-manage:update',
      body: closed({ flavor: closed({ description: flavorDescription }) }),
      writes: () => ({ kind: 'cloud' }),
      handle: async (context) => {
        const flavorId = context.params.flavor_id ?? ''
        const { description } = context.body.flavor
        const flavor = await changeFlavor(state, context, { flavorId, change: () => ({ description }) })
        return { flavor: flavorDetail(context, flavor) }
      },
    }),
    endpoint({
      method: 'DELETE',
      path: '/flavors/:flavor_id',
      rule: 'os_compute_api:os-flavor-manage:delete',
      status: 202,
      writes: () => ({ kind: 'cloud' }),
      handle: (context) => deleteFlavor(state, context, context.params.flavor_id ?? ''),
    }),
  ]
}

function listEndpoints({ state }: ComputeDependencies): Endpoint[] {
  const forms = [
    ['/flavors', flavorSummary],
    ['/flavors/detail', flavorDetail],
  ] as const
  return forms.flatMap(([path, view]) =>
    byVersion(['2.1', '2.75'], (has) =>
      endpoint({
        method: 'GET',
        path,
        rule: 'os_compute_api:flavors',
        query: listQuery(has('2.75')),
        handle: async (context) => {
          const { page, marker } = await listPage(state, context, context.query)
          const links = marker === undefined ? {} : { flavors_links: nextLink(context, marker) }
          return { flavors: page.map((flavor) => view(context, flavor)), ...links }
        },
      }),
    ),
  )
}

function createEndpoints(dependencies: ComputeDependencies): Endpoint[] {
  return byVersion(['2.1', '2.55'], (has) =>
    endpoint({
      method: 'POST',
      path: '/flavors',
      rule: 'os_compute_api:os-flavor-manage:create',
      body: closed({
        flavor: closed({
          ...newFlavor,
          ...(has('2.55') && { description: Type.Optional(flavorDescription) }),
        }),
      }),
      writes: () => ({ kind: 'cloud' }),
      handle: async (context) => {
        const { flavor } = context.body
        const created = await createFlavor(dependencies, context, {
          flavorId:
            flavor.id === undefined || flavor.id === null || flavor.id === 'auto'
              ? undefined
              : String(flavor.id),
          name: flavor.name,
          description: (flavor as { description?: string | null }).description ?? null,
          vcpus: Number(flavor.vcpus),
          ramMib: Number(flavor.ram),
          diskGib: Number(flavor.disk),
          ephemeralGib: Number(flavor['OS-FLV-EXT-DATA:ephemeral'] ?? 0),
          swapMib: Number(flavor.swap ?? 0),
          rxtxFactor: Number(flavor.rxtx_factor ?? 1),
          isPublic: isTrue(flavor['os-flavor-access:is_public'] ?? true),
        })
        return { flavor: flavorDetail(context, created) }
      },
    }),
  )
}

interface ListQuery {
  readonly limit?: readonly string[]
  readonly marker?: readonly string[]
  readonly is_public?: readonly string[]
  readonly minRam?: readonly string[]
  readonly minDisk?: readonly string[]
  readonly sort_key?: readonly string[]
  readonly sort_dir?: readonly string[]
}

// A cloud has tens of flavors, so all that the bearer may use are read; `marker` is set when there are more.
async function listPage(state: ComputeDependencies['state'], context: RequestContext, query: ListQuery) {
  const all = await listFlavors(state, context, publicFilter(context, last(query.is_public)))
  const minRamMib = minimum('minRam', last(query.minRam))
  const minDiskGib = minimum('minDisk', last(query.minDisk))
  const column = sortColumns[last(query.sort_key) ?? ''] ?? 'flavor_id'
  const sign = last(query.sort_dir) === 'desc' ? -1 : 1
  const matching = all
    .filter(({ ram_mib, disk_gib }) => ram_mib >= minRamMib && disk_gib >= minDiskGib)
    .sort((left, right) => sign * compare(left[column], right[column]))
  const marker = last(query.marker)
  const markerIndex = matching.findIndex(({ flavor_id }) => flavor_id === marker)
  if (marker !== undefined && markerIndex < 0) throw MarkerNotFound({ marker })
  const limit = pageLimit(query.limit)
  const page = matching.slice(markerIndex + 1, markerIndex + 1 + limit)
  const isFull = limit > 0 && page.length === limit
  return { page, marker: isFull ? page.at(-1)?.flavor_id : undefined }
}

function compare(left: unknown, right: unknown): number {
  if (left === right) return 0
  if (left === null) return -1
  if (right === null) return 1
  return (left as string | number) < (right as string | number) ? -1 : 1
}

function publicFilter({ authorization }: RequestContext, text: string | undefined): boolean | null {
  if (!isAdministrator(authorization) || text === undefined) return true
  if (/^none$/i.test(text)) return null
  if (/^(?:1|t|true|on|y|yes)$/i.test(text)) return true
  if (/^(?:0|f|false|off|n|no)$/i.test(text)) return false
  throw InvalidRequest({ message: `Invalid is_public filter [${text.slice(0, 64)}]` })
}

function minimum(filter: string, text: string | undefined): number {
  if (text === undefined) return 0
  if (!/^-?\d{1,10}$/.test(text))
    throw InvalidRequest({ message: `Invalid ${filter} filter [${text.slice(0, 64)}]` })
  return Number(text)
}
