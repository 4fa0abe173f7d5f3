/** Version discovery, readable without a token (https://docs.openstack.org/api-ref/identity/v3/#api-versions). */

import { type Endpoint, endpoint } from '@atoll/http'

/** What we offer of 3.14 is a subset; clients only look at the major version. */
function version(baseUrl: string): object {
  return {
    id: 'v3.14',
    status: 'stable',
    updated: '2020-04-07T00:00:00Z',
    links: [{ rel: 'self', href: `${baseUrl}/v3/` }],
    'media-types': [{ base: 'application/json', type: 'application/vnd.openstack.identity-v3+json' }],
  }
}

export function discoveryEndpoints(): readonly Endpoint[] {
  const versionEndpoint = (path: string) =>
    endpoint({
      method: 'GET',
      path,
      rule: null,
      handle: async ({ baseUrl }) => ({ version: version(baseUrl) }),
    })
  return [
    endpoint({
      method: 'GET',
      path: '/',
      rule: null,
      status: 300,
      handle: async ({ baseUrl }) => ({ versions: { values: [version(baseUrl)] } }),
    }),
    versionEndpoint('/v3'),
    versionEndpoint('/v3/'),
  ]
}
