/** The endpoints of ports. */

import type { Api, Writes } from '@atoll/http'
import type { State } from '@atoll/state'
import type { Static } from 'typebox'
import { isInShare, subnetFor, subnetsOf } from '../addressing/addresses.ts'
import { PortNotFound } from '../errors.ts'
import { ports, subnets } from '../records.ts'
import type { Resource } from '../resource/resource.ts'
import { resourceEndpoints } from '../resource/resource-endpoints.ts'
import { STANDARD_READ_ONLY } from '../resource/standard-view.ts'
import { tagAttributes } from '../resource/tags.ts'
import { createPort, removePort, updatePort } from './app.ts'
import { CreatePort, UpdatePort } from './schema.ts'
import { type Port, viewPorts } from './view.ts'

export function portEndpoints(state: State): Api['endpoints'] {
  const resource: Resource<typeof ports, typeof CreatePort, typeof UpdatePort> = {
    singular: 'port',
    plural: 'ports',
    table: ports,
    notFound: PortNotFound,
    createSchema: CreatePort,
    updateSchema: UpdatePort,
    attributes: {
      id: { column: 'id' },
      name: { column: 'name' },
      description: { column: 'description' },
      project_id: { column: 'project_id' },
      tenant_id: { column: 'project_id' },
      network_id: { column: 'network_id' },
      mac_address: { column: 'mac_address' },
      admin_state_up: { column: 'admin_state_up' },
      status: { column: 'status' },
      device_id: { column: 'device_id' },
      device_owner: { column: 'device_owner' },
      port_security_enabled: { column: 'port_security_enabled' },
      fixed_ips: { matches: hasFixedIp },
      'binding:host_id': { column: 'binding_host', rule: 'get_port:binding' },
      'binding:vnic_type': { constant: 'normal' },
      ...tagAttributes,
    },
    readOnly: [...STANDARD_READ_ONLY, 'binding:vif_type', 'binding:vif_details', 'tags'],
    view: viewPorts,
    create: createPort,
    update: updatePort,
    remove: (transaction, _actor, port) => removePort(transaction, port),
    writesOnCreate: (bodies) => addressKeeper(state, bodies),
  }
  return resourceEndpoints(state, resource)
}

/**
 * A port that names its address is made where that address can be given: here when it is in this site's share,
 * else where the subnet lives. Any other port simply lives where it is made.
 */
async function addressKeeper(
  state: State,
  bodies: readonly Static<typeof CreatePort>[],
): Promise<Writes | undefined> {
  for (const { network_id, fixed_ips = [] } of bodies) {
    if (!fixed_ips.some(({ ip_address }) => ip_address !== undefined)) continue
    const all = await subnetsOf(state, network_id)
    for (const request of fixed_ips) {
      const ipAddress = request.ip_address
      // A network that is not there, or not this client's, is for the handler to say.
      if (ipAddress === undefined || all.length === 0) continue
      const { id } = subnetFor(all, request, network_id)
      const isHere = await state.transaction((transaction) => isInShare(transaction, id, ipAddress))
      if (!isHere) return { kind: 'record', table: subnets.name, id }
    }
  }
  return undefined
}

/** `fixed_ips=subnet_id=…&fixed_ips=ip_address=…`: one address that meets each kind given, several of a kind as "or". */
function hasFixedIp({ fixed_ips }: Port, values: readonly string[]): boolean {
  const wanted = (kind: string) =>
    values.flatMap((value) => (value.startsWith(`${kind}=`) ? [value.slice(kind.length + 1)] : []))
  const [subnetIds, addresses] = [wanted('subnet_id'), wanted('ip_address')]
  if (subnetIds.length === 0 && addresses.length === 0) return false
  return fixed_ips.some(
    ({ subnet_id, ip_address }) =>
      (subnetIds.length === 0 || subnetIds.includes(subnet_id)) &&
      (addresses.length === 0 || addresses.includes(ip_address)),
  )
}
