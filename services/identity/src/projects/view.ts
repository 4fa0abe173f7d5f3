/** A project as Keystone shows it. */

import type { Row } from '@atoll/rome'
import type { AnyContext } from '../identity.ts'
import type { projects } from '../records.ts'
import { viewKeptAt } from './kept-at.ts'

export type Project = Row<typeof projects>

export function viewProject({ baseUrl }: AnyContext, row: Project): object {
  return {
    ...row.extra,
    ...viewKeptAt(row.kept_at),
    id: row.id,
    name: row.name,
    domain_id: row.domain_id,
    description: row.description,
    enabled: row.enabled,
    // A project at the top has its domain above it.
    parent_id: row.parent_id ?? row.domain_id,
    is_domain: false,
    tags: row.tags,
    options: {},
    links: { self: `${baseUrl}/v3/projects/${row.id}` },
  }
}
