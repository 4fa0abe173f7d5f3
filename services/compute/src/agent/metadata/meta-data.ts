/** `meta_data.json`: who the guest is, with the fields that Nova writes. */

import type { DeviceTag } from '../../records.ts'
import type { GuestPort } from '../host-drivers.ts'
import type { Server } from '../plan-server.ts'
import { publicKeysOf } from './ec2-meta-data.ts'

export function metaData(server: Server, ports: readonly GuestPort[]): object {
  const keys = publicKeysOf(server)
  return {
    uuid: server.id,
    availability_zone: server.availability_zone,
    hostname: server.hostname,
    launch_index: server.launch_index,
    name: server.name,
    project_id: server.project_id,
    meta: server.metadata,
    devices: taggedDevices(server.device_tags, ports),
    ...(keys.length > 0 && {
      public_keys: Object.fromEntries(keys.map(({ name, data }) => [name, data])),
      keys: keys.map(({ name, data }) => ({ name, type: 'ssh', data })),
    }),
  }
}

// Devices that their owner has tagged, so that the guest can tell them apart; their place on the bus is QEMU's affair.
function taggedDevices(tags: readonly DeviceTag[], ports: readonly GuestPort[]): object[] {
  const place = { bus: 'none', address: 'none' }
  return tags.flatMap(({ device, port_id, tag }): object[] => {
    if (device === 'disk') return [{ type: 'disk', ...place, path: '/dev/vda', tags: [tag] }]
    const port = ports.find(({ id }) => id === port_id)
    return port ? [{ type: 'nic', ...place, mac: port.macAddress, tags: [tag] }] : []
  })
}
