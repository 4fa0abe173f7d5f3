/** `/servers/{id}/os-instance-actions`: who asked what of a server, as long as it is remembered. */

import { type Endpoint, endpoint } from '@atoll/http'
import { Type } from 'typebox'
import type { ComputeDependencies } from '../dependencies.ts'
import { InvalidRequest, MarkerNotFound, NotOffered } from '../errors.ts'
import { nextLink } from '../links.ts'
import type { ServerAction } from '../records.ts'
import type { RequestContext } from '../request-context.ts'
import { last, pageLimit, pagingParameters, textParameter } from '../schemas.ts'
import { naiveTime, parseTime } from '../times.ts'
import { byVersion, isSince } from '../versions.ts'
import { findServer, findServerEvenDeleted } from './find.ts'
import type { ServerRow } from './status.ts'
import { hostIdOf } from './view.ts'

const path = '/servers/:server_id/os-instance-actions'
const rule = (action: string) => `os_compute_api:os-instance-actions:${action}`

interface ActionsQuery {
  readonly limit?: readonly string[]
  readonly marker?: readonly string[]
  readonly 'changes-since'?: readonly string[]
  readonly 'changes-before'?: readonly string[]
}

const querySince = (has: (version: string) => boolean) =>
  Type.Unsafe<ActionsQuery>(
    Type.Object(
      {
        ...(has('2.58') && { ...pagingParameters, 'changes-since': textParameter }),
        ...(has('2.66') && { 'changes-before': textParameter }),
      },
      { additionalProperties: !has('2.58') },
    ),
  )

export function instanceActionEndpoints({ state }: ComputeDependencies): Endpoint[] {
  const find = (context: RequestContext) =>
    isSince(context, '2.21') ? findServerEvenDeleted(state, context) : findServer(state, context)
  return [
    ...byVersion(['2.1', '2.58', '2.66'], (has) =>
      endpoint({
        method: 'GET',
        path,
        rule: rule('list'),
        query: querySince(has),
        handle: async (context) => {
          const server = await find(context)
          const { actions, next } = pageOf(server, context)
          const links = next === undefined ? {} : { links: nextLink(context, next) }
          return { instanceActions: actions.map((action) => actionView(context, server, action)), ...links }
        },
      }),
    ),
    endpoint({
      method: 'GET',
      path: `${path}/:request_id`,
      rule: rule('show'),
      handle: async (context) => {
        const server = await find(context)
        const id = context.params.request_id ?? ''
        const action = server.actions.find(({ request_id }) => request_id === id)
        if (!action) throw NotOffered({ message: `Action ${id.slice(0, 64)} not found` })
        return {
          instanceAction: { ...actionView(context, server, action), ...eventsView(context, server, action) },
        }
      },
    }),
  ]
}

function pageOf({ actions }: ServerRow, context: RequestContext) {
  if (!isSince(context, '2.58')) return { actions, next: undefined }
  const query = context.query as ActionsQuery
  const sinceMs = timeOf(query, 'changes-since') ?? Number.NEGATIVE_INFINITY
  const beforeMs = timeOf(query, 'changes-before') ?? Number.POSITIVE_INFINITY
  if (beforeMs < sinceMs) {
    throw InvalidRequest({
      message: 'The value of changes-since must be less than or equal to changes-before.',
    })
  }
  const matching = actions.filter(({ start_ms }) => start_ms >= sinceMs && start_ms <= beforeMs)
  const marker = last(query.marker)
  const markerIndex = matching.findIndex(({ request_id }) => request_id === marker)
  if (marker !== undefined && markerIndex < 0) throw MarkerNotFound({ marker })
  const limit = pageLimit(query.limit)
  const page = matching.slice(markerIndex + 1, markerIndex + 1 + limit)
  const next = limit > 0 && page.length === limit ? page.at(-1)?.request_id : undefined
  return { actions: page, next }
}

function timeOf(query: ActionsQuery, name: 'changes-since' | 'changes-before'): number | undefined {
  const text = last(query[name])
  if (text === undefined) return undefined
  const ms = parseTime(text)
  if (ms === undefined) {
    throw InvalidRequest({
      message: `Invalid input for field/attribute ${name}. Value: ${text.slice(0, 64)}. '${text.slice(0, 64)}' is not a 'date-time'`,
    })
  }
  return ms
}

function actionView(context: RequestContext, server: ServerRow, action: ServerAction) {
  return {
    action: action.action,
    instance_uuid: server.id,
    request_id: action.request_id,
    user_id: action.user_id,
    project_id: server.project_id,
    start_time: naiveTime(action.start_ms),
    message: null,
    ...(isSince(context, '2.58') && { updated_at: naiveTime(action.start_ms) }),
  }
}

// What was asked was committed at once; what became of it the server itself shows.
function eventsView(context: RequestContext, server: ServerRow, action: ServerAction): object {
  const mayAll = context.allows(rule('events'))
  if (!mayAll && !isSince(context, '2.51')) return {}
  const time = naiveTime(action.start_ms)
  const event = {
    event: `api_${action.action}`,
    start_time: time,
    finish_time: time,
    result: 'Success',
    ...(mayAll && { traceback: null }),
    ...(mayAll && isSince(context, '2.62') && { host: server.host || null }),
    ...(isSince(context, '2.62') && { hostId: hostIdOf(server) }),
    ...(isSince(context, '2.84') && context.allows(rule('events:details')) && { details: null }),
  }
  return { events: [event] }
}
