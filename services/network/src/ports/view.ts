/** Ports as clients read them. */

import type { Row } from '@atoll/rome'
import type { Reader } from '@atoll/state'
import type { ports } from '../records.ts'
import type { Actor } from '../resource/resource.ts'
import { standardView } from '../resource/standard-view.ts'

export type Port = Row<typeof ports>

export async function viewPorts(
  _reader: Reader,
  actor: Actor,
  rows: readonly Port[],
): Promise<readonly object[]> {
  const seesBinding = actor.allows('get_port:binding')
  return rows.map((row) => ({
    id: row.id,
    name: row.name,
    description: row.description,
    network_id: row.network_id,
    mac_address: row.mac_address,
    fixed_ips: row.fixed_ips,
    admin_state_up: row.admin_state_up,
    status: row.status,
    device_id: row.device_id,
    device_owner: row.device_owner,
    port_security_enabled: row.port_security_enabled,
    security_groups: [],
    allowed_address_pairs: [],
    extra_dhcp_opts: [],
    'binding:vnic_type': 'normal',
    tags: row.tags,
    ...(seesBinding && {
      'binding:host_id': row.binding_host,
      'binding:profile': {},
      'binding:vif_type': row.binding_host === '' ? 'unbound' : 'bridge',
      'binding:vif_details': row.binding_host === '' ? {} : { port_filter: row.port_security_enabled },
    }),
    ...standardView(row),
  }))
}
