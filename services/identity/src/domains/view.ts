/** A domain as Keystone shows it; `sites` is ours, an attribute that clients pass by. */

import type { Row } from '@atoll/rome'
import type { AnyContext } from '../identity.ts'
import type { domains } from '../records.ts'

export type Domain = Row<typeof domains>

export function viewDomain({ baseUrl }: AnyContext, row: Domain): object {
  return {
    id: row.id,
    name: row.name,
    description: row.description,
    enabled: row.enabled,
    tags: [],
    options: {},
    sites: row.sites,
    links: { self: `${baseUrl}/v3/domains/${row.id}` },
  }
}
