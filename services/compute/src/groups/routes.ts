/** Groupings of hosts and of servers, of which there are none yet: their lists are empty, as in a cloud without any. */

import { type Endpoint, endpoint } from '@atoll/http'

export const groupEndpoints: readonly Endpoint[] = [
  endpoint({
    method: 'GET',
    path: '/os-aggregates',
    rule: 'os_compute_api:os-aggregates:index',
    handle: async () => ({ aggregates: [] }),
  }),
  endpoint({
    method: 'GET',
    path: '/os-server-groups',
    rule: 'os_compute_api:os-server-groups:index',
    handle: async () => ({ server_groups: [] }),
  }),
]
