/** What clients read first, without a token: which versions there are and what the version has. */

import { type Api, endpoint } from '@atoll/http'
import type { AnyContext } from '../resource/resource.ts'

const RESOURCES = ['networks', 'subnets', 'ports', 'extensions', 'quotas'] as const

const versions = async ({ baseUrl }: AnyContext) => ({
  versions: [{ id: 'v2.0', status: 'CURRENT', links: [{ rel: 'self', href: `${baseUrl}/v2.0/` }] }],
})

const resources = async ({ baseUrl }: AnyContext) => ({
  resources: RESOURCES.map((collection) => ({
    name: collection.slice(0, -1),
    collection,
    links: [{ rel: 'self', href: `${baseUrl}/v2.0/${collection}` }],
  })),
})

export const discoveryEndpoints: Api['endpoints'] = [
  endpoint({ method: 'GET', path: '/', rule: null, handle: versions }),
  endpoint({ method: 'GET', path: '/v2.0', rule: null, handle: resources }),
  endpoint({ method: 'GET', path: '/v2.0/', rule: null, handle: resources }),
]
