/** A role as Keystone shows it. */

import type { Row } from '@atoll/rome'
import type { AnyContext } from '../identity.ts'
import type { roles } from '../records.ts'

export type Role = Row<typeof roles>

export function viewRole({ baseUrl }: AnyContext, row: Role): object {
  return {
    id: row.id,
    name: row.name,
    domain_id: row.domain_id,
    description: row.description,
    options: {},
    links: { self: `${baseUrl}/v3/roles/${row.id}` },
  }
}
