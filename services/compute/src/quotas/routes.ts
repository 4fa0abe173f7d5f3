/** `/os-quota-sets` and `/limits`: what a project may have, and what it has. */

import { type Endpoint, endpoint } from '@atoll/http'
import { changeWhole, type StateTransaction, WholeTooSmall } from '@atoll/state'
import { Type } from 'typebox'
import type { ComputeDependencies } from '../dependencies.ts'
import { InvalidRequest } from '../errors.ts'
import { quotas } from '../records.ts'
import type { RequestContext } from '../request-context.ts'
import { boolean, closed, isTrue } from '../schemas.ts'
import { byVersion } from '../versions.ts'
import { DEFAULT_LIMITS, type LimitName, type Limits, limitNames, limitsOf, quotaRecord } from './limits.ts'
import { resourceOf, SHARED_LIMITS, usageOf } from './quota.ts'

const path = '/os-quota-sets/:quota_project_id'
const rule = (action: string) => `os_compute_api:os-quota-sets:${action}`

const limit = Type.Optional(
  Type.Unsafe<number | string>({
    type: ['integer', 'string'],
    pattern: '^-?[0-9]{1,10}$',
    minimum: -1,
    maximum: 0x7fffffff,
  }),
)

type QuotaBody = {
  readonly quota_set: Readonly<Partial<Record<LimitName, number | string>>> & {
    readonly force?: boolean | string
  }
}

export function quotaEndpoints(dependencies: ComputeDependencies): Endpoint[] {
  const { state } = dependencies
  return [
    endpoint({
      method: 'GET',
      path,
      rule: rule('show'),
      handle: async (context) => {
        const projectId = projectOf(context, 'show')
        return quotaSet(context, await limitsOf(state, projectId), projectId)
      },
    }),
    endpoint({
      method: 'GET',
      path: `${path}/detail`,
      rule: rule('detail'),
      handle: async (context) => {
        const projectId = projectOf(context, 'detail')
        const [limits, used] = [await limitsOf(state, projectId), await usageOf(state, projectId)]
        const inUse: Partial<Limits> = used
        const details = limitNames(context).map((name) => [
          name,
          { limit: limits[name], in_use: inUse[name] ?? 0, reserved: 0 },
        ])
        return { quota_set: { id: projectId, ...Object.fromEntries(details) } }
      },
    }),
    endpoint({
      method: 'GET',
      path: `${path}/defaults`,
      rule: rule('defaults'),
      handle: async (context) => quotaSet(context, DEFAULT_LIMITS, context.params.quota_project_id ?? ''),
    }),
    ...byVersion(['2.1', '2.36', '2.57'], (has) =>
      endpoint({
        method: 'PUT',
        path,
        rule: rule('update'),
        body: quotaBodySince(has),
        writes: writesProject,
        handle: async (context) => {
          const projectId = context.params.quota_project_id ?? ''
          const { force, ...wanted } = context.body.quota_set
          const limits = await setLimits(dependencies, { projectId, wanted, isForced: isTrue(force) })
          return quotaSet(context, limits, undefined)
        },
      }),
    ),
    endpoint({
      method: 'DELETE',
      path,
      rule: rule('delete'),
      status: 202,
      writes: writesProject,
      handle: async (context) => {
        const projectId = context.params.quota_project_id ?? ''
        await setLimits(dependencies, { projectId, wanted: undefined, isForced: true })
        return undefined
      },
    }),
  ]
}

function quotaBodySince(has: (version: string) => boolean) {
  const names = limitNames({ microversion: has('2.57') ? 2057 : has('2.36') ? 2036 : 2001 })
  const limits = Object.fromEntries(names.map((name) => [name, limit]))
  return Type.Unsafe<QuotaBody>(closed({ quota_set: closed({ ...limits, force: Type.Optional(boolean) }) }))
}

const writesProject = ({ params }: RequestContext) =>
  ({ kind: 'record', table: 'projects', id: params.quota_project_id ?? '' }) as const

// The policy is asked for the project whose quota is meant, not for the bearer's.
function projectOf(context: RequestContext, action: string): string {
  const projectId = context.params.quota_project_id ?? ''
  context.authorize(rule(action), { project_id: projectId })
  return projectId
}

function quotaSet(context: RequestContext, limits: Limits, id: string | undefined) {
  const shown = Object.fromEntries(limitNames(context).map((name) => [name, limits[name]]))
  return { quota_set: { ...(id !== undefined && { id }), ...shown } }
}

interface WantedLimits {
  readonly projectId: string
  /** Undefined goes back to the defaults. */
  readonly wanted: Readonly<Partial<Record<LimitName, number | string>>> | undefined
  readonly isForced: boolean
}

// The request was routed to where the project is kept, so one that is not kept here is none at all.
async function setLimits({ state, isKept }: ComputeDependencies, request: WantedLimits): Promise<Limits> {
  const { projectId, wanted } = request
  return state.transaction(async (transaction) => {
    if (!(await isKept(transaction, 'projects', projectId))) {
      throw InvalidRequest({ message: `Project ID ${projectId.slice(0, 64)} is not a valid project.` })
    }
    const current = await quotaRecord(transaction, projectId)
    const numbers = Object.entries(wanted ?? {}).map(([name, value]) => [name, Number(value)])
    const limits = wanted === undefined ? {} : { ...current?.limits, ...Object.fromEntries(numbers) }
    if (current) await transaction.update(quotas, current.id, { limits })
    else if (wanted !== undefined) await transaction.insert(quotas, { project_id: projectId, limits })
    const all: Limits = { ...DEFAULT_LIMITS, ...limits }
    for (const name of SHARED_LIMITS) await changeShare(transaction, request, { name, amount: all[name] })
    return all
  })
}

async function changeShare(
  transaction: StateTransaction,
  { projectId, isForced }: WantedLimits,
  { name, amount }: { name: (typeof SHARED_LIMITS)[number]; amount: number },
): Promise<void> {
  try {
    await changeWhole(transaction, { resource: resourceOf(name, projectId), amount, isForced })
  } catch (error) {
    if (!WholeTooSmall.is(error)) throw error
    const { minimum } = error.detail as { minimum: number }
    throw InvalidRequest({
      message: `Quota limit ${amount} for ${name} must be greater than or equal to already used and reserved ${minimum}.`,
    })
  }
}
