/** The endpoints of subnets. */

import type { Api } from '@atoll/http'
import type { State } from '@atoll/state'
import { SubnetNotFound } from '../errors.ts'
import { networks, subnets } from '../records.ts'
import type { Resource } from '../resource/resource.ts'
import { resourceEndpoints } from '../resource/resource-endpoints.ts'
import { STANDARD_READ_ONLY } from '../resource/standard-view.ts'
import { tagAttributes } from '../resource/tags.ts'
import { createSubnet, removeSubnet, updateSubnet } from './app.ts'
import { CreateSubnet, UpdateSubnet } from './schema.ts'
import { viewSubnet } from './view.ts'

export function subnetEndpoints(state: State): Api['endpoints'] {
  const resource: Resource<typeof subnets, typeof CreateSubnet, typeof UpdateSubnet> = {
    singular: 'subnet',
    plural: 'subnets',
    table: subnets,
    notFound: SubnetNotFound,
    createSchema: CreateSubnet,
    updateSchema: UpdateSubnet,
    attributes: {
      id: { column: 'id' },
      name: { column: 'name' },
      description: { column: 'description' },
      project_id: { column: 'project_id' },
      tenant_id: { column: 'project_id' },
      network_id: { column: 'network_id' },
      ip_version: { column: 'ip_version' },
      cidr: { column: 'cidr' },
      gateway_ip: { column: 'gateway_ip' },
      enable_dhcp: { column: 'enable_dhcp' },
      ipv6_address_mode: { constant: null },
      ipv6_ra_mode: { constant: null },
      subnetpool_id: { constant: null },
      ...tagAttributes,
    },
    readOnly: [...STANDARD_READ_ONLY, 'ipv6_address_mode', 'ipv6_ra_mode', 'tags'],
    view: async (_reader, _actor, rows) => rows.map(viewSubnet),
    create: createSubnet,
    update: updateSubnet,
    remove: (transaction, _actor, subnet) => removeSubnet(transaction, subnet),
    writesOnCreate: async ([first]) =>
      first && { kind: 'record', table: networks.name, id: first.network_id },
  }
  return resourceEndpoints(state, resource)
}
