/** `/v3/roles`. */

import { BadRequest, type Endpoint, endpoint } from '@atoll/http'
import { Type } from 'typebox'
import { IdentityNotFound } from '../errors.ts'
import { type AnyContext, defined, describe, type Identity, identityScope } from '../identity.ts'
import { type ListQuery, listQuery, listRecords } from '../lists.ts'
import { roles } from '../records.ts'
import { BODY_BYTES_MAX, nameSchema, noOptions, nullableId, nullableText } from '../schemas.ts'
import { createRole, deleteRole, updateRole } from './app.ts'
import { viewRole } from './view.ts'

const attributes = {
  description: Type.Optional(nullableText),
  domain_id: Type.Optional(nullableId),
  options: Type.Optional(noOptions),
}
const created = Type.Object({
  role: Type.Object({ ...attributes, name: nameSchema }, { additionalProperties: false }),
})
const updated = Type.Object({
  role: Type.Object({ ...attributes, name: Type.Optional(nameSchema) }, { additionalProperties: false }),
})

const record = ({ params }: AnyContext) =>
  ({ kind: 'record', table: roles.name, id: params.role_id ?? '' }) as const

export function roleEndpoints({ state, tokens }: Identity): readonly Endpoint[] {
  return [
    endpoint({
      method: 'GET',
      path: '/v3/roles',
      rule: 'identity:list_roles',
      query: listQuery,
      handle: async (context) => {
        const { domain_id } = context.query as ListQuery
        return listRecords(context, state, {
          table: roles,
          collection: 'roles',
          filters: ['name'],
          // Roles of one domain are not offered, so asking for them finds none.
          ...(domain_id !== undefined && { ids: [] }),
          view: (row) => viewRole(context, row),
        })
      },
    }),
    endpoint({
      method: 'POST',
      path: '/v3/roles',
      rule: 'identity:create_role',
      body: created,
      bodyLimitBytes: BODY_BYTES_MAX,
      status: 201,
      writes: () => ({ kind: 'cloud' }),
      handle: async (context) => {
        const { name, description, domain_id = null } = context.body.role
        requireOfCloud(domain_id)
        const role = await createRole(state, { name, description: description ?? '' })
        return { role: viewRole(context, role) }
      },
    }),
    endpoint({
      method: 'GET',
      path: '/v3/roles/:role_id',
      rule: 'identity:get_role',
      handle: async (context) => {
        const { role_id: id = '' } = context.params
        const role = await state.find(identityScope, roles, id)
        if (!role) throw IdentityNotFound({ kind: 'role', id })
        return { role: viewRole(context, role) }
      },
    }),
    endpoint({
      method: 'PATCH',
      path: '/v3/roles/:role_id',
      rule: 'identity:update_role',
      body: updated,
      bodyLimitBytes: BODY_BYTES_MAX,
      writes: record,
      handle: async (context) => {
        const { name, description, domain_id = null } = context.body.role
        requireOfCloud(domain_id)
        const role = await updateRole(
          state,
          context.params.role_id ?? '',
          defined({ name, description: describe(description) }),
        )
        await tokens.settled()
        return { role: viewRole(context, role) }
      },
    }),
    endpoint({
      method: 'DELETE',
      path: '/v3/roles/:role_id',
      rule: 'identity:delete_role',
      status: 204,
      writes: record,
      handle: async ({ params }) => {
        await deleteRole(state, params.role_id ?? '')
        await tokens.settled()
      },
    }),
  ]
}

function requireOfCloud(domainId: string | null): void {
  if (domainId !== null) throw BadRequest({ message: 'Roles of one domain are not offered.' })
}
