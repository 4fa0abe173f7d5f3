/** The records of the network service. */

import { boolean, integer, json, text } from '@atoll/rome'
import { defineRecord, type RecordTable } from '@atoll/state'

export const networks = defineRecord(
  'networks',
  {
    name: text(),
    description: text(),
    admin_state_up: boolean(true),
    shared: boolean(),
    is_external: boolean(),
    mtu: integer(1400),
    /** VXLAN network identifier, unique in the cloud: 24 bits. */
    vni: integer(),
    port_security_enabled: boolean(true),
    tags: json<readonly string[]>([]),
  },
  {
    audience: (query, scope) =>
      query.or([query('project_id', '=', scope.projectId), query('shared', '=', true)]),
    indexes: [['name']],
  },
)

export interface AllocationPool {
  readonly start: string
  readonly end: string
}

export interface HostRoute {
  readonly destination: string
  readonly nexthop: string
}

/** Addresses are handed out of the share `addresses:<subnet id>`, whose numbers are IPv4 addresses as integers. */
export const subnets = defineRecord(
  'subnets',
  {
    name: text(),
    description: text(),
    network_id: text(),
    ip_version: integer(4),
    cidr: text(),
    gateway_ip: text().nullable(),
    enable_dhcp: boolean(true),
    /** Where DHCP and metadata answer: the same address and MAC on every host (anycast). */
    dhcp_ip: text().nullable(),
    dhcp_mac: text().nullable(),
    dns_nameservers: json<readonly string[]>([]),
    host_routes: json<readonly HostRoute[]>([]),
    allocation_pools: json<readonly AllocationPool[]>([]),
    tags: json<readonly string[]>([]),
    /** As the network's, so that who sees the network sees its subnets. */
    shared: boolean(),
  },
  {
    audience: (query, scope) =>
      query.or([query('project_id', '=', scope.projectId), query('shared', '=', true)]),
    indexes: [['network_id']],
  },
)

export interface FixedIp {
  readonly subnet_id: string
  readonly ip_address: string
}

/** Owner of the one port of a network that holds the addresses where DHCP and metadata answer. */
export const DHCP_OWNER = 'network:dhcp'

export const ports = defineRecord(
  'ports',
  {
    name: text(),
    description: text(),
    network_id: text(),
    mac_address: text(),
    fixed_ips: json<readonly FixedIp[]>([]),
    admin_state_up: boolean(true),
    status: text<'ACTIVE' | 'DOWN' | 'BUILD' | 'ERROR'>('DOWN'),
    /** Id of the server that uses the port, or ''. */
    device_id: text(),
    /** `compute:<zone>`, `network:dhcp` … or ''. */
    device_owner: text(),
    /** Name of the compute host that has the port, or ''. */
    binding_host: text(),
    port_security_enabled: boolean(true),
    tags: json<readonly string[]>([]),
  },
  {
    indexes: [['network_id', 'mac_address'], ['device_id'], ['binding_host']],
    // A port goes with its server: its home moves there while nobody uses it.
    followsUse: (row) => row.device_id === '',
  },
)

export const networkRecords = [networks, subnets, ports] as unknown as readonly RecordTable[]
