/** Subnets as clients read them. */

import type { Subnet } from '../addressing/addresses.ts'
import { standardView } from '../resource/standard-view.ts'

export function viewSubnet(row: Subnet): object {
  return {
    id: row.id,
    name: row.name,
    description: row.description,
    network_id: row.network_id,
    ip_version: row.ip_version,
    cidr: row.cidr,
    gateway_ip: row.gateway_ip,
    enable_dhcp: row.enable_dhcp,
    dns_nameservers: row.dns_nameservers,
    host_routes: row.host_routes,
    allocation_pools: row.allocation_pools,
    ipv6_address_mode: null,
    ipv6_ra_mode: null,
    subnetpool_id: null,
    service_types: [],
    tags: row.tags,
    ...standardView(row),
  }
}
