/** The query string of a list of images: what the store can filter, and what only the rows can tell. */

import type { Scope } from '@atoll/state'
import { ImageInvalid } from '../errors.ts'
import type { Image } from './access.ts'

export type ImageQuery = Readonly<Record<string, string | readonly string[] | undefined>>

/** A condition on a column. */
export interface Condition {
  readonly column: string
  readonly operator: '=' | '!=' | '<' | '<=' | '>' | '>=' | 'in'
  readonly value: string | number | boolean | readonly string[]
}

export interface ImageFilters {
  readonly conditions: readonly Condition[]
  /** `all`, one visibility, or undefined for the default: everything but the community images of others. */
  readonly visibility: string | undefined
  /** For what a query cannot look into. */
  readonly matches: (image: Image) => boolean
}

/** Everything else in a query string is a filter on a property of that name. */
const NO_FILTERS: ReadonlySet<string> = new Set([
  'limit',
  'marker',
  'sort',
  'sort_key',
  'sort_dir',
  'visibility',
  'member_status',
  'tag',
])

const textColumns: Readonly<Record<string, string>> = {
  id: 'id',
  name: 'name',
  status: 'status',
  owner: 'project_id',
  disk_format: 'disk_format',
  container_format: 'container_format',
  checksum: 'checksum',
  os_hash_algo: 'os_hash_algo',
  os_hash_value: 'os_hash_value',
}
/** Those that take a list: `in:a,"b,c"`. */
const LISTABLE: ReadonlySet<string> = new Set(['id', 'name', 'status', 'disk_format', 'container_format'])

const integerConditions: Readonly<Record<string, readonly [string, Condition['operator']]>> = {
  size_min: ['size_bytes', '>='],
  size_max: ['size_bytes', '<='],
  size: ['size_bytes', '='],
  min_ram: ['min_ram_mib', '='],
  min_disk: ['min_disk_gib', '='],
}
const booleanColumns: Readonly<Record<string, string>> = { protected: 'is_protected', os_hidden: 'is_hidden' }

const VISIBILITIES = ['community', 'public', 'private', 'shared', 'all']
const MEMBER_STATUSES = ['pending', 'accepted', 'rejected', 'all']

/** More values in one list are no query of a client. */
const LIST_MAX = 500

/** @throws ImageInvalid */
export function readFilters(query: ImageQuery, scope: Scope): ImageFilters {
  const visibility = first(query.visibility)
  if (visibility !== undefined && !VISIBILITIES.includes(visibility))
    throw ImageInvalid({ message: `Invalid visibility value: ${visibility.slice(0, 64)}` })
  const conditions: Condition[] = []
  const predicates = [memberPredicate(first(query.member_status) ?? 'accepted', scope)]
  const tags = [query.tag ?? []].flat().map((tag) => tag.trim())
  if (tags.length > 0) predicates.push((image) => tags.every((tag) => image.tags.includes(tag)))
  for (const [name, given] of Object.entries({ os_hidden: 'false', ...query })) {
    const value = first(given)
    if (value === undefined || NO_FILTERS.has(name)) continue
    const condition = readCondition(name, value)
    if (condition) conditions.push(condition)
    else predicates.push(timePredicate(name, value) ?? propertyPredicate(name, value))
  }
  return { conditions, visibility, matches: (image) => predicates.every((holds) => holds(image)) }
}

function readCondition(name: string, value: string): Condition | undefined {
  const textColumn = own(textColumns, name)
  if (textColumn !== undefined) {
    if (LISTABLE.has(name) && value.startsWith('in:'))
      return { column: textColumn, operator: 'in', value: readList(value.slice('in:'.length)) }
    return { column: textColumn, operator: '=', value }
  }
  const integer = own(integerConditions, name)
  if (integer) return { column: integer[0], operator: integer[1], value: readInteger(name, value) }
  const booleanColumn = own(booleanColumns, name)
  if (booleanColumn === undefined) return undefined
  const lower = value.toLowerCase()
  if (lower !== 'true' && lower !== 'false')
    throw ImageInvalid({
      message: `Invalid value '${value.slice(0, 64)}' for '${name}' filter. Valid values are 'true' or 'false'.`,
    })
  return { column: booleanColumn, operator: '=', value: lower === 'true' }
}

function readInteger(name: string, value: string): number {
  const number = Number(value)
  if (/^\d+$/.test(value) && Number.isSafeInteger(number)) return number
  throw ImageInvalid({
    message: `Unable to filter by ${name}: '${value.slice(0, 64)}' is not a valid integer`,
  })
}

/** Values between commas; one in double quotes may hold a comma, and a quote after a backslash. */
function readList(text: string): readonly string[] {
  const values: string[] = []
  const item = /\s*(?:"((?:[^"\\]|\\.)*)"|([^",]*))\s*(?:,|$)/y
  while (item.lastIndex < text.length) {
    const match = item.exec(text)
    if (!match)
      throw ImageInvalid({ message: `Invalid filter value ${text.slice(0, 255)}. The quote is not closed.` })
    values.push(match[1] === undefined ? (match[2] ?? '') : match[1].replaceAll(/\\(.)/g, '$1'))
  }
  if (values.length > LIST_MAX)
    throw ImageInvalid({ message: `At most ${LIST_MAX} values can be filtered by.` })
  return values
}

const comparisons: Readonly<Record<string, (left: number, right: number) => boolean>> = {
  eq: (left, right) => left === right,
  neq: (left, right) => left !== right,
  lt: (left, right) => left < right,
  lte: (left, right) => left <= right,
  gt: (left, right) => left > right,
  gte: (left, right) => left >= right,
}

// Times are shown in whole seconds, therefore compared in them.
function timePredicate(name: string, value: string): ((image: Image) => boolean) | undefined {
  if (name !== 'created_at' && name !== 'updated_at') return undefined
  const [, operator = 'eq', time = value] = /^([a-z]+):(.*)$/.exec(value) ?? []
  const compares = own(comparisons, operator)
  const ms = Date.parse(/(?:Z|[+-]\d\d:?\d\d)$/.test(time) ? time : `${time}Z`)
  if (!compares) throw ImageInvalid({ message: 'Unable to filter on a unknown operator.' })
  if (Number.isNaN(ms)) throw ImageInvalid({ message: 'Unable to filter using the specified range.' })
  const seconds = Math.trunc(ms / 1000)
  return (image) => {
    const own = name === 'created_at' ? image.created_at : (image.updated_at ?? image.created_at)
    return compares(Math.trunc(own / 1000), seconds)
  }
}

function propertyPredicate(name: string, value: string): (image: Image) => boolean {
  return (image) => own(image.properties, name) === value
}

// What others share with the caller is listed once they accepted it; an administrator sees everything as it is.
function memberPredicate(memberStatus: string, scope: Scope): (image: Image) => boolean {
  if (!MEMBER_STATUSES.includes(memberStatus))
    throw ImageInvalid({ message: `Invalid status: ${memberStatus.slice(0, 64)}` })
  if (scope.kind === 'cloud' || memberStatus === 'all') return () => true
  const { projectId } = scope
  return ({ visibility, project_id, members }) =>
    visibility !== 'shared' ||
    (project_id !== null && project_id === projectId) ||
    members.some((member) => member.project_id === projectId && member.status === memberStatus)
}

function first(value: ImageQuery[string]): string | undefined {
  return typeof value === 'string' ? value : value?.[0]
}

function own<T>(values: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(values, name) ? values[name] : undefined
}
