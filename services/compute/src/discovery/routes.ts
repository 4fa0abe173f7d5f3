/** Discovery: which versions there are, for anybody, token or not. */

import { type Endpoint, endpoint } from '@atoll/http'
import type { RequestContext } from '../request-context.ts'
import { microversions } from '../versions.ts'

export const discoveryEndpoints: readonly Endpoint[] = [
  endpoint({
    method: 'GET',
    path: '/',
    rule: null,
    handle: async (context) => ({ versions: [summary(context)] }),
  }),
  ...['/v2.1', '/v2.1/'].map((path) =>
    endpoint({ method: 'GET', path, rule: null, handle: async (context) => ({ version: full(context) }) }),
  ),
]

function summary({ baseUrl }: RequestContext) {
  return {
    id: 'v2.1',
    status: 'CURRENT',
    version: microversions.max,
    min_version: microversions.min,
    updated: '2013-07-23T11:33:21Z',
    links: [{ rel: 'self', href: `${baseUrl}/v2.1/` }],
  }
}

function full(context: RequestContext) {
  const { links, ...rest } = summary(context)
  const described = {
    rel: 'describedby',
    type: 'text/html',
    href: 'https://docs.openstack.org/api-ref/compute/',
  }
  const type = 'application/vnd.openstack.compute+json;version=2.1'
  return { ...rest, links: [...links, described], 'media-types': [{ base: 'application/json', type }] }
}
