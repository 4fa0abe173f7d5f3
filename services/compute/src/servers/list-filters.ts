/** From the query of a list to conditions: those the store can look up, and those that rows are tested by. */

import { isAdministrator } from '@atoll/http'
import type { ComputeDependencies } from '../dependencies.ts'
import { InvalidRequest, LimitExceeded } from '../errors.ts'
import type { NetworkInterface } from '../network-for-compute.ts'
import type { VmState } from '../records.ts'
import type { RequestContext } from '../request-context.ts'
import { isTrue, last } from '../schemas.ts'
import { naiveTime, parseTime } from '../times.ts'
import { isSince } from '../versions.ts'
import { FORBIDDEN_FILTERS, type ListQuery } from './list-schema.ts'
import { namePattern } from './name-pattern.ts'
import { NOVA_STATUSES, type ServerRow, statusOf, vmStatesOf } from './status.ts'

export interface ServerFilters {
  readonly isAllTenants: boolean
  /** Live ones, tombstones, or both for a list of changes. */
  readonly deleted: boolean | 'both'
  /** Columns that must have one of these values. */
  readonly exact: readonly (readonly [column: keyof ServerRow, values: readonly (string | number)[]])[]
  readonly vmStates: readonly VmState[] | undefined
  readonly changedSinceMs: number | undefined
  readonly changedBeforeMs: number | undefined
  /** What a row is tested by; none when the store does it all. */
  readonly tests: readonly ((server: ServerRow) => boolean)[]
  /** What a server's addresses are tested by. */
  readonly addressTests: readonly ((interfaces: readonly NetworkInterface[]) => boolean)[]
  /** True when nothing can match. */
  readonly isEmpty: boolean
}

/** Those of the parameters that the bearer may filter by. @throws InvalidRequest, Forbidden */
export function serverFilters(
  { freshness }: Pick<ComputeDependencies, 'freshness'>,
  context: RequestContext,
  isDetail: boolean,
): ServerFilters {
  const query = allowedFilters(context)
  const isAdmin = isAdministrator(context.authorization)
  const isAllTenants = allTenants(last(query.all_tenants))
  if (isAllTenants)
    context.authorize(`os_compute_api:servers:${isDetail ? 'detail' : 'index'}:get_all_tenants`)
  const statuses = (query.status ?? []).map((status) => status.toUpperCase())
  const isValid = statuses.length === 0 || statuses.some((status) => NOVA_STATUSES.has(status))
  if (!isValid && isSince(context, '2.38')) throw InvalidRequest({ message: 'Invalid status value' })
  const wantsDeleted = statuses.length > 0 && statuses.every((status) => status === 'DELETED')
  if (wantsDeleted && !isAdmin)
    throw LimitExceeded({ message: 'Only administrators may list deleted instances' })
  const changedSinceMs = timeOf(query, 'changes-since')
  const changedBeforeMs = timeOf(query, 'changes-before')
  if (changedSinceMs !== undefined && changedBeforeMs !== undefined && changedBeforeMs < changedSinceMs) {
    throw InvalidRequest({
      message: 'The value of changes-since must be less than or equal to changes-before.',
    })
  }
  const isListOfChanges = changedSinceMs !== undefined || changedBeforeMs !== undefined
  const deletedWord = last(query.deleted)
  return {
    isAllTenants,
    deleted: wantsDeleted || (deletedWord === undefined ? isListOfChanges && 'both' : isTrue(deletedWord)),
    exact: exactFilters(query, isAllTenants),
    vmStates: statuses.length > 0 ? vmStatesOf(statuses) : undefined,
    changedSinceMs,
    changedBeforeMs,
    tests: [
      ...(statuses.length > 0 ? [(server: ServerRow) => statuses.includes(statusOf(server, freshness))] : []),
      ...patternTests(query),
      ...tagTests(query),
    ],
    addressTests: addressTests(query),
    // Nobody can lock a server here, so none is.
    isEmpty: !isValid || (query.locked !== undefined && isTrue(last(query.locked))),
  }
}

const forEveryone = [
  'reservation_id',
  'name',
  'status',
  'image',
  'flavor',
  'ip',
  'changes-since',
  'all_tenants',
]
const forEveryoneSince: Readonly<Record<string, readonly string[]>> = {
  '2.5': ['ip6'],
  '2.26': ['tags', 'tags-any', 'not-tags', 'not-tags-any'],
  '2.66': ['changes-before'],
  '2.73': ['locked'],
  '2.83': [
    'availability_zone',
    'config_drive',
    'key_name',
    'created_at',
    'launched_at',
    'terminated_at',
    'power_state',
    'task_state',
    'vm_state',
    'progress',
    'user_id',
  ],
}

function allowedFilters(context: RequestContext): ListQuery {
  const query = context.query as ListQuery
  const forbidden = Object.keys(query).find(
    (name) => FORBIDDEN_FILTERS.includes(name) || name.startsWith('_'),
  )
  const mayAll = context.allows('os_compute_api:servers:allow_all_filters')
  if (forbidden !== undefined && mayAll)
    throw InvalidRequest({ message: `Invalid filter field: ${forbidden.slice(0, 64)}.` })
  if (mayAll) return query
  const allowed = new Set(forEveryone)
  for (const [version, names] of Object.entries(forEveryoneSince))
    if (isSince(context, version)) for (const name of names) allowed.add(name)
  return Object.fromEntries(Object.entries(query).filter(([name]) => allowed.has(name)))
}

function allTenants(word: string | undefined): boolean {
  if (word === undefined) return false
  if (word === '') return true
  if (/^(?:1|t|true|on|y|yes)$/i.test(word)) return true
  if (/^(?:0|f|false|off|n|no)$/i.test(word)) return false
  throw InvalidRequest({ message: `Invalid value '${word.slice(0, 64)}' for all_tenants` })
}

function timeOf(query: ListQuery, name: string): number | undefined {
  const text = last(query[name])
  if (text === undefined) return undefined
  const ms = parseTime(text)
  if (ms === undefined) throw InvalidRequest({ message: `Invalid filter field: ${name}.` })
  return ms
}

const exactColumns: Readonly<Record<string, keyof ServerRow>> = {
  user_id: 'user_id',
  image: 'image_id',
  image_ref: 'image_id',
  host: 'host',
  node: 'host',
  uuid: 'id',
  vm_state: 'vm_state',
  task_state: 'task_state',
}
const exactNumbers: Readonly<Record<string, keyof ServerRow>> = {
  launch_index: 'launch_index',
  power_state: 'power_state',
}

function exactFilters(query: ListQuery, isAllTenants: boolean): ServerFilters['exact'] {
  const texts = Object.entries(exactColumns).flatMap(([name, column]) => {
    const values = query[name]
    return values ? [[column, values.map((value) => value.split('/').at(-1) ?? '')] as const] : []
  })
  const numbers = Object.entries(exactNumbers).flatMap(([name, column]) => {
    const values = query[name]
    return values
      ? [[column, values.map((value) => Number(value)).filter(Number.isSafeInteger)] as const]
      : []
  })
  const projects = isAllTenants ? (query.project_id ?? query.tenant_id) : undefined
  return [...texts, ...numbers, ...(projects ? [['project_id', projects] as const] : [])]
}

const patternTexts: Readonly<Record<string, (server: ServerRow) => string>> = {
  name: ({ name }) => name,
  display_name: ({ name }) => name,
  description: ({ description }) => description ?? '',
  display_description: ({ description }) => description ?? '',
  hostname: ({ hostname }) => hostname,
  key_name: ({ key_name }) => key_name ?? '',
  availability_zone: ({ availability_zone }) => availability_zone,
  reservation_id: ({ reservation_id }) => reservation_id,
  access_ip_v4: ({ access_ip_v4 }) => access_ip_v4,
  access_ip_v6: ({ access_ip_v6 }) => access_ip_v6,
  created_at: ({ created_at }) => naiveTime(created_at) ?? '',
  launched_at: ({ launched_at }) => naiveTime(launched_at) ?? '',
  terminated_at: ({ deleted_at }) => naiveTime(deleted_at) ?? '',
}

function patternTests(query: ListQuery): ServerFilters['tests'] {
  const byPattern = Object.entries(patternTexts).flatMap(([name, text]) => {
    const pattern = last(query[name])
    if (pattern === undefined) return []
    const matches = namePattern(pattern)
    return [(server: ServerRow) => matches(text(server))]
  })
  const flavorId = last(query.flavor)?.split('/').at(-1)
  const configDrive = last(query.config_drive)
  return [
    ...byPattern,
    ...(flavorId === undefined ? [] : [({ flavor }: ServerRow) => flavor.id === flavorId]),
    ...(configDrive === undefined
      ? []
      : [({ has_config_drive }: ServerRow) => has_config_drive === isTrue(configDrive)]),
  ]
}

function tagTests(query: ListQuery): ServerFilters['tests'] {
  const listed = (name: string) => last(query[name])?.split(',')
  const [all, any] = [listed('tags'), listed('tags-any')]
  const [notAll, notAny] = [listed('not-tags'), listed('not-tags-any')]
  const has =
    ({ tags }: ServerRow) =>
    (tag: string) =>
      tags.includes(tag)
  return [
    ...(all ? [(server: ServerRow) => all.every(has(server))] : []),
    ...(any ? [(server: ServerRow) => any.some(has(server))] : []),
    ...(notAll ? [(server: ServerRow) => !notAll.every(has(server))] : []),
    ...(notAny ? [(server: ServerRow) => !notAny.some(has(server))] : []),
  ]
}

function addressTests(query: ListQuery): ServerFilters['addressTests'] {
  const families = [
    [last(query.ip), (ip: string) => !ip.includes(':')],
    [last(query.ip6), (ip: string) => ip.includes(':')],
  ] as const
  return families.flatMap(([pattern, isFamily]) => {
    if (pattern === undefined) return []
    // Nova looks from the beginning of an address.
    const matches = namePattern(pattern.startsWith('^') ? pattern : `^${pattern}`)
    return [
      (interfaces: readonly NetworkInterface[]) =>
        interfaces.some(({ fixedIps }) =>
          fixedIps.some(({ ip_address }) => isFamily(ip_address) && matches(ip_address)),
        ),
    ]
  })
}
