/** The limits of a project: defaults, what an operator set instead, and which of them which version shows. */

import type { Row } from '@atoll/rome'
import { cloudScope, type Reader } from '@atoll/state'
import { quotas } from '../records.ts'
import type { RequestContext } from '../request-context.ts'
import { isSince } from '../versions.ts'

/** Nova's names, in its order; -1 is unlimited. No file is ever injected, and networks are Neutron's to limit. */
export const DEFAULT_LIMITS = {
  cores: 20,
  fixed_ips: -1,
  floating_ips: -1,
  injected_file_content_bytes: 0,
  injected_file_path_bytes: 0,
  injected_files: 0,
  instances: 10,
  key_pairs: 100,
  metadata_items: 128,
  ram: 51_200,
  security_group_rules: -1,
  security_groups: -1,
  server_group_members: 0,
  server_groups: 0,
} as const

export type LimitName = keyof typeof DEFAULT_LIMITS
export type Limits = Readonly<Record<LimitName, number>>

const networkLimits = ['fixed_ips', 'floating_ips', 'security_group_rules', 'security_groups']
const fileLimits = ['injected_files', 'injected_file_content_bytes', 'injected_file_path_bytes']

/** The names that the request's version knows. */
export function limitNames(context: Pick<RequestContext, 'microversion'>): LimitName[] {
  const hidden = [
    ...(isSince(context, '2.36') ? networkLimits : []),
    ...(isSince(context, '2.57') ? fileLimits : []),
  ]
  return (Object.keys(DEFAULT_LIMITS) as LimitName[]).filter((name) => !hidden.includes(name))
}

/** What holds for a project now. */
export async function limitsOf(reader: Reader, projectId: string): Promise<Limits> {
  const own = await quotaRecord(reader, projectId)
  return { ...DEFAULT_LIMITS, ...own?.limits }
}

/** What an operator set for a project, if anything. */
export function quotaRecord(reader: Reader, projectId: string): Promise<Row<typeof quotas> | undefined> {
  return reader
    .select(cloudScope('quotas'), quotas)
    .selectAll()
    .where('project_id', '=', projectId)
    .executeTakeFirst()
}
