/** `/os-services`: the hosts as services that an operator takes in and out of use. */

import { type Endpoint, endpoint } from '@atoll/http'
import { isUuid } from '@atoll/kit'
import type { Patch } from '@atoll/state'
import { Type } from 'typebox'
import type { ComputeDependencies } from '../dependencies.ts'
import { InvalidRequest, NotOffered } from '../errors.ts'
import { integerIdOf } from '../integer-id.ts'
import { hosts } from '../records.ts'
import type { RequestContext } from '../request-context.ts'
import { boolean, closed, isTrue, last, textParameter } from '../schemas.ts'
import { naiveTime } from '../times.ts'
import { byVersion, isSince } from '../versions.ts'
import { listHosts, stateOf } from './app.ts'
import type { HostRow } from './host-inventory.ts'

/** The one service that a host runs, by the name that Nova's clients expect. */
const BINARY = 'nova-compute'

const reason = Type.String({ minLength: 1, maxLength: 255 })
const oldBody = Type.Object({
  host: Type.String({ minLength: 1, maxLength: 255 }),
  binary: Type.String({ minLength: 1, maxLength: 255 }),
  disabled_reason: Type.Optional(reason),
  forced_down: Type.Optional(boolean),
})
const newBody = closed({
  status: Type.Optional(
    Type.Unsafe<'enabled' | 'disabled'>({ type: 'string', enum: ['enabled', 'disabled'] }),
  ),
  disabled_reason: Type.Optional(reason),
  forced_down: Type.Optional(boolean),
})

interface ServicesQuery {
  readonly host?: readonly string[]
  readonly binary?: readonly string[]
}

export function serviceEndpoints(dependencies: ComputeDependencies): Endpoint[] {
  const { state, freshness } = dependencies
  return [
    ...byVersion(['2.1', '2.75'], (has) =>
      endpoint({
        method: 'GET',
        path: '/os-services',
        rule: 'os_compute_api:os-services:list',
        query: Type.Object(
          { host: textParameter, binary: textParameter },
          { additionalProperties: !has('2.75') },
        ),
        handle: async (context) => {
          const { host, binary } = context.query as ServicesQuery
          const all =
            last(binary) === undefined || last(binary) === BINARY ? await listHosts(state, context) : []
          const matching = all.filter(({ name }) => last(host) === undefined || last(host) === name)
          return { services: matching.map((one) => serviceView(context, one, freshness.isReachable(one))) }
        },
      }),
    ),
    endpoint({
      method: 'PUT',
      path: '/os-services/:service_id',
      until: '2.52',
      rule: 'os_compute_api:os-services:update',
      body: oldBody,
      writes: async (context) => writesHost(await findByName(dependencies, context, context.body)),
      handle: async (context) => {
        const { host, binary } = context.body
        const { patch, shown } = oldUpdate(context, context.body)
        const { id } = await findByName(dependencies, context, context.body)
        await state.transaction((transaction) => transaction.update(hosts, id, patch))
        return { service: { host, binary, ...shown } }
      },
    }),
    endpoint({
      method: 'PUT',
      path: '/os-services/:service_id',
      since: '2.53',
      rule: 'os_compute_api:os-services:update',
      body: newBody,
      writes: async (context) => writesHost(await findById(dependencies, context)),
      handle: async (context) => {
        const patch = newUpdate(context.body)
        const { id } = await findById(dependencies, context)
        const host = await state.transaction((transaction) => transaction.update(hosts, id, patch))
        return { service: serviceView(context, host, freshness.isReachable(host)) }
      },
    }),
  ]
}

const writesHost = ({ id }: HostRow) => ({ kind: 'record', table: hosts.name, id }) as const

async function findById({ state }: ComputeDependencies, context: RequestContext): Promise<HostRow> {
  const id = context.params.service_id ?? ''
  if (!isUuid(id)) throw InvalidRequest({ message: `Invalid uuid ${id.slice(0, 64)}` })
  const host = await state.find(context.scope, hosts, id)
  if (!host) throw NotOffered({ message: `Service ${id} could not be found.` })
  return host
}

async function findByName(
  { state }: ComputeDependencies,
  context: RequestContext,
  { host: name, binary }: { host: string; binary: string },
): Promise<HostRow> {
  if (binary !== BINARY) {
    throw InvalidRequest({
      message: `Updating a ${binary} service is not supported. Only nova-compute services can be updated.`,
    })
  }
  const host = await state
    .select(context.scope, hosts)
    .selectAll()
    .where('name', '=', name)
    .executeTakeFirst()
  if (!host) throw NotOffered({ message: `Could not find binary ${binary} on host ${name}.` })
  return host
}

type OldBody = { readonly disabled_reason?: string; readonly forced_down?: boolean | string }

/** Before 2.53 the last part of the path says what to do. */
function oldUpdate(
  context: RequestContext,
  body: OldBody,
): { readonly patch: Patch<typeof hosts>; readonly shown: object } {
  const { disabled_reason, forced_down } = body
  switch (context.params.service_id ?? '') {
    case 'enable':
      return { patch: { enabled: true, disabled_reason: null }, shown: { status: 'enabled' } }
    case 'disable':
      return { patch: { enabled: false, disabled_reason: null }, shown: { status: 'disabled' } }
    case 'disable-log-reason':
      if (disabled_reason === undefined) throw InvalidRequest({ message: 'Missing disabled reason field' })
      return { patch: { enabled: false, disabled_reason }, shown: { status: 'disabled', disabled_reason } }
    case 'force-down':
      if (!isSince(context, '2.11')) break
      if (forced_down === undefined) throw InvalidRequest({ message: 'Missing forced_down field' })
      return { patch: { forced_down: isTrue(forced_down) }, shown: { forced_down: isTrue(forced_down) } }
    default:
  }
  throw NotOffered({ message: 'Unknown action' })
}

function newUpdate(body: {
  readonly status?: 'enabled' | 'disabled'
  readonly disabled_reason?: string
  readonly forced_down?: boolean | string
}): Patch<typeof hosts> {
  const { status, disabled_reason, forced_down } = body
  if (status === undefined && forced_down === undefined) {
    throw InvalidRequest({
      message: "No updates were requested. Fields 'status' or 'forced_down' should be specified.",
    })
  }
  if (status === 'enabled' && disabled_reason !== undefined) {
    throw InvalidRequest({ message: "Specifying 'disabled_reason' with status 'enabled' is invalid." })
  }
  return {
    ...(status !== undefined && { enabled: status === 'enabled', disabled_reason: disabled_reason ?? null }),
    ...(forced_down !== undefined && { forced_down: isTrue(forced_down) }),
  }
}

function serviceView(context: RequestContext, host: HostRow, isReachable: boolean) {
  return {
    id: isSince(context, '2.53') ? host.id : integerIdOf(host.id),
    binary: BINARY,
    host: host.name,
    zone: host.availability_zone,
    status: host.enabled ? 'enabled' : 'disabled',
    state: stateOf(host, isReachable),
    updated_at: naiveTime(host.updated_at ?? host.created_at),
    disabled_reason: host.disabled_reason,
    ...(isSince(context, '2.11') && { forced_down: host.forced_down }),
  }
}
