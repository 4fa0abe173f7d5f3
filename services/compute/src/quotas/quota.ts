/** Quota: what a project's servers may take together, spent as shares so that no site asks another for each. */

import type { AtollError } from '@atoll/kit'
import { type Amounts, cloudScope, type Founder, type Reader, ShareExhausted } from '@atoll/state'
import type { IsKept } from '../dependencies.ts'
import { QuotaExceeded } from '../errors.ts'
import { type EmbeddedFlavor, servers } from '../records.ts'
import { limitsOf } from './limits.ts'

/** Those limits that are shares; the others are looked at where they apply. */
export const SHARED_LIMITS = ['cores', 'instances', 'ram'] as const
type SharedLimit = (typeof SHARED_LIMITS)[number]
export type Usage = Readonly<Record<SharedLimit, number>>

export const resourceOf = (limit: SharedLimit, projectId: string) => `quota_${limit}:${projectId}`

/** What `count` servers of a flavor spend of their project's shares. */
export function amountsOf(
  projectId: string,
  flavor: Pick<EmbeddedFlavor, 'vcpus' | 'ram'>,
  count: number,
): Amounts {
  return {
    [resourceOf('cores', projectId)]: flavor.vcpus * count,
    [resourceOf('instances', projectId)]: count,
    [resourceOf('ram', projectId)]: flavor.ram * count,
  }
}

/** The founders of quota shares, for `State.open`. A project's quota is founded where the project is kept. */
export function quotaFounders({ isKept }: { readonly isKept: IsKept }): Record<string, Founder> {
  const founder =
    (limit: SharedLimit): Founder =>
    async (transaction, projectId) => {
      if (!(await isKept(transaction, 'projects', projectId))) return undefined
      return { amount: (await limitsOf(transaction, projectId))[limit] }
    }
  return Object.fromEntries(SHARED_LIMITS.map((limit) => [`quota_${limit}`, founder(limit)]))
}

/** What the servers of a project take in the whole cloud, as far as this site knows. */
export async function usageOf(reader: Reader, projectId: string): Promise<Usage> {
  const rows = await reader
    .select(cloudScope('quota usage'), servers)
    .select('flavor')
    .where('project_id', '=', projectId)
    .execute()
  const sum = (amount: (flavor: EmbeddedFlavor) => number) =>
    rows.reduce((total, { flavor }) => total + amount(flavor), 0)
  return { cores: sum(({ vcpus }) => vcpus), instances: rows.length, ram: sum(({ ram }) => ram) }
}

/** True for a share of quota that is used up, and not, say, a subnet without a free address. */
export function isOverQuota(error: unknown): error is AtollError {
  if (!ShareExhausted.is(error)) return false
  const { resource } = error.detail as { resource: string }
  return isSharedQuota(resource)
}

export function isSharedQuota(resource: string): boolean {
  return SHARED_LIMITS.some((limit) => resource.startsWith(`quota_${limit}:`))
}

export interface Headroom {
  /** How many servers of the flavor the project could still have. */
  readonly count: number
  /** What refuses `wanted` of them, in Nova's words. */
  readonly error: AtollError
}

/** Looks at why a project is over its quota. */
export async function headroomOf(
  reader: Reader,
  { projectId, flavor, wanted }: { projectId: string; flavor: EmbeddedFlavor; wanted: number },
  cause: unknown,
): Promise<Headroom> {
  const [limits, used] = [await limitsOf(reader, projectId), await usageOf(reader, projectId)]
  const needs: Usage = { cores: flavor.vcpus, instances: 1, ram: flavor.ram }
  const free = (limit: SharedLimit) =>
    limits[limit] === -1 ? Number.POSITIVE_INFINITY : limits[limit] - used[limit]
  const isOver = (limit: SharedLimit) => needs[limit] * wanted > free(limit)
  const over = SHARED_LIMITS.filter(isOver)
  // The share of this site can be used up while others still have some: then all that can be said is what there is.
  const overs = over.length > 0 ? over : [...SHARED_LIMITS]
  const join = (value: (limit: SharedLimit) => number | string) => overs.map(value).join(', ')
  const count = Math.min(
    ...SHARED_LIMITS.map((limit) => (needs[limit] > 0 ? Math.floor(free(limit) / needs[limit]) : wanted)),
  )
  const error = QuotaExceeded(
    {
      overs: join((limit) => limit),
      requested: join((limit) => needs[limit] * wanted),
      used: join((limit) => used[limit]),
      allowed: join((limit) => limits[limit]),
    },
    { cause },
  )
  return { count, error }
}
