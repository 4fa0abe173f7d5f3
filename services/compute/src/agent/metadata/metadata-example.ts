/** A server with everything that metadata can tell of one, for the tests. */

import type { GuestPort } from '../host-drivers.ts'
import type { Server } from '../plan-server.ts'

export const SERVER_ID = '44444444-4444-4444-8444-444444444444'
export const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKey someone@example'
/** Every byte there is: what no text survives. */
export const USER_DATA = Buffer.from(Array.from({ length: 256 }, (_, index) => index))

export const examplePorts: readonly GuestPort[] = [
  {
    id: '55555555-5555-4555-8555-555555555555',
    networkId: 'network-a',
    macAddress: 'fa:16:3e:00:00:01',
    mtu: 1400,
    addresses: [
      {
        ipAddress: '10.0.0.7',
        cidr: '10.0.0.0/24',
        hasDhcp: true,
        gatewayIp: '10.0.0.1',
        dnsNameservers: ['9.9.9.9'],
        hostRoutes: [],
      },
    ],
  },
  {
    id: '66666666-6666-4666-8666-666666666666',
    networkId: 'network-b',
    macAddress: 'fa:16:3e:00:00:02',
    mtu: 1500,
    addresses: [
      {
        ipAddress: '192.168.40.9',
        cidr: '192.168.40.0/21',
        hasDhcp: false,
        gatewayIp: '192.168.40.1',
        dnsNameservers: ['9.9.9.9', '1.1.1.1'],
        hostRoutes: [{ destination: '10.9.0.0/16', nexthop: '192.168.40.254' }],
      },
    ],
  },
]

export function exampleServer(changes: Partial<Server> = {}): Server {
  return {
    id: SERVER_ID,
    home: 'here',
    generation: 1,
    seq: 1,
    project_id: 'p1',
    created_at: 0,
    updated_at: null,
    deleted_at: null,
    moves: [],
    site_scope: null,
    unknown_columns: {},
    name: 'Übersee 🏝',
    description: null,
    hostname: 'ubersee',
    user_id: 'u1',
    host: 'here-h1',
    availability_zone: 'here',
    image_id: '33333333-3333-4333-8333-333333333333',
    flavor: {
      id: 'small',
      original_name: 'm1.small',
      vcpus: 1,
      ram: 512,
      disk: 1,
      ephemeral: 0,
      swap: 0,
      extra_specs: {},
    },
    key_name: 'my key',
    public_key: KEY,
    user_data: USER_DATA.toString('base64'),
    has_config_drive: true,
    metadata: { place: 'atoll 🏝', ключ: 'значение' },
    tags: [],
    security_groups: ['default', 'web'],
    disk_config: 'AUTO',
    access_ip_v4: '',
    access_ip_v6: '',
    device_tags: [
      { device: 'nic', port_id: '66666666-6666-4666-8666-666666666666', tag: 'storage' },
      { device: 'disk', tag: 'root' },
    ],
    actions: [],
    port_ids: examplePorts.map(({ id }) => id),
    own_port_ids: [],
    reservation_id: 'r-00000001',
    launch_index: 2,
    intent: 'running',
    reboots_wanted: 0,
    reboot_kind: 'SOFT',
    fence: 1,
    vm_state: 'active',
    task_state: null,
    power_state: 1,
    reboots_done: 0,
    launched_at: 0,
    fault: null,
    ...changes,
  }
}
