/** `/` and `/versions`: which versions are served. Readable without a token. */

import { type Context, type Endpoint, endpoint } from '@atoll/http'

// Glance's minor versions are marks on one API, not microversions. 2.6 is image import, 2.8 and later are several
// stores, caches and quotas: not offered, therefore not announced.
const versions = ['2.7', '2.5', '2.4', '2.3', '2.2', '2.1', '2.0'] as const

export const discoveryEndpoints: readonly Endpoint[] = [
  // 300, as Glance has it: the client is to choose one.
  endpoint({ method: 'GET', path: '/', rule: null, status: 300, handle: async (context) => list(context) }),
  endpoint({ method: 'GET', path: '/versions', rule: null, handle: async (context) => list(context) }),
]

function list({ baseUrl }: Pick<Context, 'baseUrl'>) {
  return {
    versions: versions.map((version, index) => ({
      id: `v${version}`,
      status: index === 0 ? 'CURRENT' : 'SUPPORTED',
      links: [{ rel: 'self', href: `${baseUrl}/v2/` }],
    })),
  }
}
