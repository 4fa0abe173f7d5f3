/** `/v3/users`. */

import { BadRequest, type Context, type Endpoint, endpoint } from '@atoll/http'
import { Type } from 'typebox'
import { IdentityNotFound } from '../errors.ts'
import { mergeExtra } from '../extra.ts'
import {
  type AnyContext,
  defined,
  describe,
  domainOfCaller,
  type Identity,
  identityScope,
  requireRow,
} from '../identity.ts'
import { listQuery, listRecords } from '../lists.ts'
import { domains, users } from '../records.ts'
import { BODY_BYTES_MAX, nameSchema, noOptions, nullableId, nullableText } from '../schemas.ts'
import { changePassword, createUser, deleteUser, updateUser } from './app.ts'
import { type User, viewUser } from './view.ts'

const attributes = {
  description: Type.Optional(nullableText),
  email: Type.Optional(nullableText),
  enabled: Type.Optional(Type.Boolean()),
  domain_id: Type.Optional(nullableId),
  default_project_id: Type.Optional(nullableId),
  // Its size is checked in bytes.
  password: Type.Optional(Type.Unsafe<string | null>({ type: ['string', 'null'] })),
  options: Type.Optional(noOptions),
}
const created = Type.Object({ user: Type.Object({ ...attributes, name: nameSchema }) })
const updated = Type.Object({ user: Type.Object({ ...attributes, name: Type.Optional(nameSchema) }) })
const passwordChange = Type.Object({
  user: Type.Object({ original_password: Type.String(), password: Type.String() }),
})
/** Attributes with a meaning, secrets, or what the server alone decides. */
const known = [
  ...Object.keys(attributes),
  ...['name', 'id', 'links', 'password_expires_at', 'original_password'],
]

const target = (row: Pick<User, 'domain_id'> & { readonly id?: string }) => ({
  'target.user.id': row.id,
  'target.user.domain_id': row.domain_id,
})

const record = ({ params }: AnyContext) =>
  ({ kind: 'record', table: users.name, id: params.user_id ?? '' }) as const

export function userEndpoints(identity: Identity): readonly Endpoint[] {
  const { state, tokens } = identity
  const rowOf = async (context: AnyContext, rule: string): Promise<User> => {
    const { user_id: id = '' } = context.params
    const row = await state.find(identityScope, users, id)
    return requireRow(context, rule, row, { target, missing: () => IdentityNotFound({ kind: 'user', id }) })
  }
  return [
    endpoint({
      method: 'GET',
      path: '/v3/users',
      rule: 'identity:authenticated',
      query: listQuery,
      handle: async (context) => {
        const { domainId } = context.authorization
        context.authorize('identity:list_users', { 'target.domain_id': domainId })
        return listRecords(context, state, {
          table: users,
          collection: 'users',
          filters: ['name', 'domain_id', 'default_project_id'],
          hasEnabled: true,
          ...(!context.allows('admin_required') && { where: { domain_id: domainId ?? '' } }),
          view: (row) => viewUser(context, row),
        })
      },
    }),
    createEndpoint(identity),
    endpoint({
      method: 'GET',
      path: '/v3/users/:user_id',
      rule: 'identity:authenticated',
      handle: async (context) => ({ user: viewUser(context, await rowOf(context, 'identity:get_user')) }),
    }),
    endpoint({
      method: 'PATCH',
      path: '/v3/users/:user_id',
      rule: 'identity:authenticated',
      body: updated,
      bodyLimitBytes: BODY_BYTES_MAX,
      writes: record,
      handle: async (context) => {
        const current = await rowOf(context, 'identity:update_user')
        const { user } = context.body
        if (user.domain_id !== undefined && user.domain_id !== current.domain_id)
          throw BadRequest({ message: 'Domain ID is immutable.' })
        const { name, description, email, enabled, default_project_id, password } = user
        const row = await updateUser(
          identity,
          current.id,
          defined({
            name,
            description: describe(description),
            email,
            enabled,
            default_project_id,
            password,
          }),
          { unknown: user, known },
        )
        await tokens.settled()
        return { user: viewUser(context, row) }
      },
    }),
    endpoint({
      method: 'DELETE',
      path: '/v3/users/:user_id',
      rule: 'identity:authenticated',
      status: 204,
      writes: record,
      handle: async (context) => {
        const { id } = await rowOf(context, 'identity:delete_user')
        await deleteUser(identity, id)
        await tokens.settled()
      },
    }),
    endpoint({
      method: 'POST',
      path: '/v3/users/:user_id/password',
      rule: 'identity:authenticated',
      body: passwordChange,
      bodyLimitBytes: BODY_BYTES_MAX,
      status: 204,
      writes: record,
      handle: async (context) => {
        const user = await rowOf(context, 'identity:change_password')
        const { original_password: original, password } = context.body.user
        await changePassword(identity, user, { original, password })
        await tokens.settled()
      },
    }),
  ]
}

function createEndpoint(identity: Identity): Endpoint {
  const domainIdOf = (context: Context<unknown, { user: { domain_id?: string | null } }>) =>
    context.body.user.domain_id ?? domainOfCaller(context)
  return endpoint({
    method: 'POST',
    path: '/v3/users',
    rule: 'identity:authenticated',
    body: created,
    bodyLimitBytes: BODY_BYTES_MAX,
    status: 201,
    writes: (context) => ({ kind: 'record', table: domains.name, id: domainIdOf(context) }),
    handle: async (context) => {
      const { user } = context.body
      const domainId = domainIdOf(context)
      context.authorize('identity:create_user', target({ domain_id: domainId }))
      const row = await createUser(identity, {
        name: user.name,
        description: user.description ?? '',
        email: user.email ?? null,
        enabled: user.enabled ?? true,
        default_project_id: user.default_project_id ?? null,
        domainId,
        password: user.password ?? null,
        extra: mergeExtra({}, user, known),
      })
      return { user: viewUser(context, row) }
    },
  })
}
