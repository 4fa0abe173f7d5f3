/** The endpoints of networks. */

import type { Api } from '@atoll/http'
import type { State } from '@atoll/state'
import { NetworkNotFound } from '../errors.ts'
import { networks } from '../records.ts'
import type { Resource } from '../resource/resource.ts'
import { resourceEndpoints } from '../resource/resource-endpoints.ts'
import { STANDARD_READ_ONLY } from '../resource/standard-view.ts'
import { tagAttributes } from '../resource/tags.ts'
import { createNetwork, type NetworkOptions, removeNetwork, updateNetwork } from './app.ts'
import { CreateNetwork, UpdateNetwork } from './schema.ts'
import { viewNetworks } from './view.ts'

export function networkEndpoints(state: State, options: NetworkOptions): Api['endpoints'] {
  const resource: Resource<typeof networks, typeof CreateNetwork, typeof UpdateNetwork> = {
    singular: 'network',
    plural: 'networks',
    table: networks,
    notFound: NetworkNotFound,
    createSchema: CreateNetwork,
    updateSchema: UpdateNetwork,
    attributes: {
      id: { column: 'id' },
      name: { column: 'name' },
      description: { column: 'description' },
      project_id: { column: 'project_id' },
      tenant_id: { column: 'project_id' },
      admin_state_up: { column: 'admin_state_up' },
      shared: { column: 'shared' },
      'router:external': { column: 'is_external' },
      mtu: { column: 'mtu' },
      port_security_enabled: { column: 'port_security_enabled' },
      status: { constant: 'ACTIVE' },
      'provider:network_type': { constant: 'vxlan', rule: 'get_network:provider' },
      'provider:physical_network': { constant: null, rule: 'get_network:provider' },
      'provider:segmentation_id': { column: 'vni', rule: 'get_network:provider' },
      ...tagAttributes,
    },
    readOnly: [
      ...STANDARD_READ_ONLY,
      'subnets',
      'availability_zones',
      'tags',
      'provider:network_type',
      'provider:physical_network',
      'provider:segmentation_id',
    ],
    view: viewNetworks,
    create: (transaction, actor, body) => createNetwork(transaction, actor, { ...options, body }),
    update: updateNetwork,
    remove: (transaction, _actor, network) => removeNetwork(transaction, network),
  }
  return resourceEndpoints(state, resource)
}
