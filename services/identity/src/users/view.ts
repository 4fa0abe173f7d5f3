/** A user as Keystone shows it. The hash of the password is never part of it. */

import type { Row } from '@atoll/rome'
import type { AnyContext } from '../identity.ts'
import type { users } from '../records.ts'

export type User = Row<typeof users>

export function viewUser({ baseUrl }: AnyContext, row: User): object {
  return {
    ...row.extra,
    id: row.id,
    name: row.name,
    domain_id: row.domain_id,
    enabled: row.enabled,
    ...(row.description !== '' && { description: row.description }),
    ...(row.email !== null && { email: row.email }),
    ...(row.default_project_id !== null && { default_project_id: row.default_project_id }),
    password_expires_at: null,
    options: {},
    links: { self: `${baseUrl}/v3/users/${row.id}` },
  }
}
