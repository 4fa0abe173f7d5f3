/** Networks as the agent sees them, and a fabric that refuses what contradicts itself. */

import { type FabricNetwork, SimulatedFabric, SimulatedUnderlay } from '@atoll/fabric'
import type { Subnet } from '../addressing/addresses.ts'
import type { NetworkView, PortFacts } from '../agent/network-view.ts'
import type { Network } from '../networks/view.ts'

// The first digits name the devices of a fabric.
const uuid = (number: number) => `${String(number).padStart(8, '0')}-0000-4000-8000-000000000000`

const recordColumns = {
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
  name: '',
  description: '',
  tags: [],
  shared: false,
}

const network: Network = {
  ...recordColumns,
  id: uuid(900),
  admin_state_up: true,
  is_external: false,
  mtu: 1400,
  vni: 4096,
  port_security_enabled: true,
}

const subnet: Subnet = {
  ...recordColumns,
  id: uuid(901),
  network_id: network.id,
  ip_version: 4,
  cidr: '10.0.0.0/24',
  gateway_ip: '10.0.0.1',
  enable_dhcp: true,
  dhcp_ip: '10.0.0.2',
  dhcp_mac: 'fa:16:3e:00:00:fe',
  dns_nameservers: [],
  host_routes: [],
  allocation_pools: [],
}

const second: Subnet = {
  ...subnet,
  id: uuid(902),
  cidr: '10.0.1.0/24',
  gateway_ip: null,
  enable_dhcp: false,
  dhcp_ip: null,
  dhcp_mac: null,
}

/** A network with the subnets 10.0.0.0/24, which has DHCP, and 10.0.1.0/24, which has none. */
export function twoSubnets(ports: readonly PortFacts[], patch: Partial<Network> = {}): NetworkView {
  return {
    network: { ...network, ...patch },
    subnets: [subnet, second],
    ports: new Map(ports.map((port) => [port.id, port])),
  }
}

/** Port `number` with the address 10.0.0.(10 + number), unless told. */
export function portFacts({
  number,
  ipAddress = `10.0.0.${10 + number}`,
  ...patch
}: Partial<PortFacts> & { readonly number: number; readonly ipAddress?: string }): PortFacts {
  return {
    id: uuid(number),
    macAddress: `fa:16:3e:00:00:${String(10 + number)}`,
    fixedIps: [{ subnet_id: subnet.id, ip_address: ipAddress }],
    isAdminStateUp: true,
    portSecurityEnabled: true,
    deviceId: '',
    host: '',
    ...patch,
  }
}

/** Rejects when a fabric would refuse the statement. */
export async function checkedBy(statement: FabricNetwork | undefined): Promise<void> {
  if (!statement) return
  await new SimulatedFabric({ underlay: new SimulatedUnderlay(), tunnelIp: '192.0.2.9' }).apply(statement)
}
