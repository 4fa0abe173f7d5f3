/** Where the records of a project may be stored, as its own record says. */

import type { Reader } from '@atoll/state'
import { identityScope } from '../identity.ts'
import { projects } from '../records.ts'

/**
 * Names of sites, null for everywhere, undefined for a project that was never heard of here. That of a deleted project
 * still holds: what it leaves behind is its own.
 */
export async function sitesOfProject(
  reader: Reader,
  projectId: string,
): Promise<readonly string[] | null | undefined> {
  const project = await reader
    .selectWithTombstones(identityScope, projects)
    .select('kept_at')
    .where('id', '=', projectId)
    .executeTakeFirst()
  return project?.kept_at
}
