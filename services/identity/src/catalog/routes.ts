/** `services`, `endpoints` and `regions`: the catalog as lists that can only be read. */

import { type Endpoint, endpoint } from '@atoll/http'
import { IdentityNotFound, type Kind } from '../errors.ts'
import type { AnyContext, Identity } from '../identity.ts'
import { isTrue, type ListQuery, listQuery, wholeList } from '../lists.ts'
import type { Catalog, CatalogEntry } from './catalog.ts'

type Item = Readonly<Record<string, unknown>> & { readonly id: string }

export function catalogEndpoints({ catalog }: Identity): readonly Endpoint[] {
  return [
    ...collection('services', 'service', ['type', 'name'], (context) =>
      entriesOf(catalog, context).map(({ id, type, name }) => ({
        id,
        type,
        name,
        enabled: true,
        description: '',
      })),
    ),
    ...collection('endpoints', 'endpoint', ['service_id', 'interface', 'region', 'region_id'], (context) =>
      entriesOf(catalog, context).flatMap((service) =>
        service.endpoints.map((item) => ({ ...item, service_id: service.id, enabled: true })),
      ),
    ),
    ...collection('regions', 'region', ['parent_region_id'], (context) => {
      const names = entriesOf(catalog, context).flatMap(({ endpoints }) =>
        endpoints.map(({ region_id }) => region_id),
      )
      return [...new Set(names)].map((id) => ({ id, description: '', parent_region_id: null }))
    }),
  ]
}

/** The catalog for the address by which the client has reached this API. */
export function entriesOf(catalog: Catalog, { baseUrl }: AnyContext): readonly CatalogEntry[] {
  return catalog(baseUrl.slice(0, baseUrl.lastIndexOf('/')))
}

function collection(
  plural: string,
  kind: Kind,
  filters: readonly string[],
  items: (context: AnyContext) => readonly Item[],
): readonly Endpoint[] {
  const view = (context: AnyContext, item: Item) => ({
    ...item,
    links: { self: `${context.baseUrl}/v3/${plural}/${item.id}` },
  })
  return [
    endpoint({
      method: 'GET',
      path: `/v3/${plural}`,
      rule: 'identity:authenticated',
      query: listQuery,
      handle: async (context) => {
        const query = context.query as ListQuery
        const wanted = items(context).filter(
          (item) =>
            filters.every((name) => query[name] === undefined || item[name] === query[name]) &&
            (query.enabled === undefined || (item.enabled ?? true) === isTrue(query.enabled)),
        )
        return wholeList(
          context,
          plural,
          wanted.map((item) => view(context, item)),
        )
      },
    }),
    endpoint({
      method: 'GET',
      path: `/v3/${plural}/:id`,
      rule: 'identity:authenticated',
      handle: async (context) => {
        const { id = '' } = context.params
        const item = items(context).find((candidate) => candidate.id === id)
        if (!item) throw IdentityNotFound({ kind, id })
        return { [kind]: view(context, item) }
      },
    }),
  ]
}
