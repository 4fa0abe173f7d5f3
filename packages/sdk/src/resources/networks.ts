/** Networks, their subnets and ports. */

import type { Connection } from '../connection.ts'

export interface Network {
  readonly id: string
  readonly name: string
}

export interface Subnet {
  readonly id: string
  readonly cidr: string
}

export interface Port {
  readonly id: string
  readonly mac_address: string
  readonly fixed_ips: readonly { readonly subnet_id: string; readonly ip_address: string }[]
}

export async function createNetwork(
  connection: Connection,
  { name }: { readonly name: string },
): Promise<Network> {
  const body = { network: { name } }
  return (await connection.post<{ network: Network }>('network', '/v2.0/networks', body)).network
}

export interface NewSubnet {
  readonly networkId: string
  readonly name: string
  readonly cidr: string
}

export async function createSubnet(connection: Connection, subnet: NewSubnet): Promise<Subnet> {
  const { networkId, name, cidr } = subnet
  const body = { subnet: { network_id: networkId, name, cidr, ip_version: 4 } }
  return (await connection.post<{ subnet: Subnet }>('network', '/v2.0/subnets', body)).subnet
}

export async function createPort(
  connection: Connection,
  { networkId, name }: { readonly networkId: string; readonly name: string },
): Promise<Port> {
  const body = { port: { network_id: networkId, name } }
  return (await connection.post<{ port: Port }>('network', '/v2.0/ports', body)).port
}
