/** `/limits`: a project's limits and use under the names that clients' overviews show. */

import { type Endpoint, endpoint } from '@atoll/http'
import { Type } from 'typebox'
import type { ComputeDependencies } from '../dependencies.ts'
import type { RequestContext } from '../request-context.ts'
import { last, textParameter } from '../schemas.ts'
import { byVersion, isSince } from '../versions.ts'
import { type LimitName, type Limits, limitNames, limitsOf } from './limits.ts'
import { type Usage, usageOf } from './quota.ts'

const maximums: Readonly<Partial<Record<LimitName, string>>> = {
  ram: 'maxTotalRAMSize',
  instances: 'maxTotalInstances',
  cores: 'maxTotalCores',
  key_pairs: 'maxTotalKeypairs',
  floating_ips: 'maxTotalFloatingIps',
  metadata_items: 'maxServerMeta',
  injected_files: 'maxPersonality',
  injected_file_content_bytes: 'maxPersonalitySize',
  security_groups: 'maxSecurityGroups',
  security_group_rules: 'maxSecurityGroupRules',
  server_groups: 'maxServerGroups',
  server_group_members: 'maxServerGroupMembers',
}

const inUse: Readonly<Partial<Record<LimitName, string>>> = {
  ram: 'totalRAMUsed',
  cores: 'totalCoresUsed',
  instances: 'totalInstancesUsed',
  floating_ips: 'totalFloatingIpsUsed',
  security_groups: 'totalSecurityGroupsUsed',
  server_groups: 'totalServerGroupsUsed',
}

export function limitsEndpoints({ state }: ComputeDependencies): Endpoint[] {
  return byVersion(['2.1', '2.75'], (has) =>
    endpoint({
      method: 'GET',
      path: '/limits',
      rule: 'os_compute_api:limits',
      query: Type.Object(
        { reserved: textParameter, tenant_id: textParameter },
        { additionalProperties: !has('2.75') },
      ),
      handle: async (context) => {
        const other = last((context.query as { tenant_id?: readonly string[] }).tenant_id)
        if (other !== undefined) context.authorize('os_compute_api:limits:other_project')
        const projectId = other ?? context.authorization.projectId ?? ''
        const [limits, used] = [await limitsOf(state, projectId), await usageOf(state, projectId)]
        return { limits: { rate: [], absolute: absoluteLimits(context, limits, used) } }
      },
    }),
  )
}

function absoluteLimits(context: RequestContext, limits: Limits, used: Usage): Record<string, number> {
  const absolute: Record<string, number> = {}
  const usedByName: Partial<Limits> = used
  for (const name of limitNames(context)) {
    const [maximum, total] = [maximums[name], inUse[name]]
    if (maximum !== undefined) absolute[maximum] = limits[name]
    if (total !== undefined) absolute[total] = usedByName[name] ?? 0
  }
  if (!isSince(context, '2.39')) absolute.maxImageMeta = limits.metadata_items
  return absolute
}
