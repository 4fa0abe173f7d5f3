/** `/v3/domains`. */

import { type Endpoint, endpoint } from '@atoll/http'
import { Type } from 'typebox'
import { IdentityNotFound } from '../errors.ts'
import { defined, describe, type Identity, identityScope, requireRow } from '../identity.ts'
import { listQuery, listRecords } from '../lists.ts'
import { domains } from '../records.ts'
import { BODY_BYTES_MAX, nameSchema, noOptions, nullableText } from '../schemas.ts'
import { createDomain, deleteDomain, updateDomain } from './app.ts'
import { type Domain, viewDomain } from './view.ts'

const attributes = {
  description: Type.Optional(nullableText),
  enabled: Type.Optional(Type.Boolean()),
  options: Type.Optional(noOptions),
  tags: Type.Optional(Type.Array(Type.String(), { maxItems: 0 })),
  sites: Type.Optional(
    Type.Array(Type.String({ minLength: 1, maxLength: 64 }), { maxItems: 10_000, uniqueItems: true }),
  ),
}
const created = Type.Object(
  { domain: Type.Object({ ...attributes, name: nameSchema }, { additionalProperties: false }) },
  { additionalProperties: false },
)
const updated = Type.Object(
  {
    domain: Type.Object({ ...attributes, name: Type.Optional(nameSchema) }, { additionalProperties: false }),
  },
  { additionalProperties: false },
)

const target = (row: Domain) => ({ 'target.domain.id': row.id })

export function domainEndpoints({ state, tokens }: Identity): readonly Endpoint[] {
  return [
    endpoint({
      method: 'GET',
      path: '/v3/domains',
      rule: 'identity:list_domains',
      query: listQuery,
      handle: async (context) =>
        listRecords(context, state, {
          table: domains,
          collection: 'domains',
          filters: ['name'],
          hasEnabled: true,
          ...(!context.allows('admin_required') && {
            where: { id: context.authorization.domainId ?? context.authorization.userDomainId },
          }),
          view: (row) => viewDomain(context, row),
        }),
    }),
    endpoint({
      method: 'POST',
      path: '/v3/domains',
      rule: 'identity:create_domain',
      body: created,
      bodyLimitBytes: BODY_BYTES_MAX,
      status: 201,
      writes: () => ({ kind: 'cloud' }),
      handle: async (context) => {
        const { name, description, enabled = true, sites } = context.body.domain
        const domain = await createDomain(state, { name, description: description ?? '', enabled, sites })
        return { domain: viewDomain(context, domain) }
      },
    }),
    endpoint({
      method: 'GET',
      path: '/v3/domains/:domain_id',
      rule: 'identity:authenticated',
      handle: async (context) => {
        const { domain_id: id = '' } = context.params
        const domain = requireRow(
          context,
          'identity:get_domain',
          await state.find(identityScope, domains, id),
          { target, missing: () => IdentityNotFound({ kind: 'domain', id }) },
        )
        return { domain: viewDomain(context, domain) }
      },
    }),
    endpoint({
      method: 'PATCH',
      path: '/v3/domains/:domain_id',
      rule: 'identity:update_domain',
      body: updated,
      bodyLimitBytes: BODY_BYTES_MAX,
      writes: ({ params }) => ({ kind: 'record', table: domains.name, id: params.domain_id ?? '' }),
      handle: async (context) => {
        const { name, description, enabled, sites } = context.body.domain
        const domain = await updateDomain(
          state,
          context.params.domain_id ?? '',
          defined({ name, description: describe(description), enabled, sites }),
        )
        await tokens.settled()
        return { domain: viewDomain(context, domain) }
      },
    }),
    endpoint({
      method: 'DELETE',
      path: '/v3/domains/:domain_id',
      rule: 'identity:delete_domain',
      status: 204,
      writes: ({ params }) => ({ kind: 'record', table: domains.name, id: params.domain_id ?? '' }),
      handle: async ({ params }) => {
        await deleteDomain(state, params.domain_id ?? '')
        await tokens.settled()
      },
    }),
  ]
}
