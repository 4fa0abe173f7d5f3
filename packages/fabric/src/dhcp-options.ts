/** What DHCP tells a guest besides its address. */

import { type FabricSubnet, type HostRoute, METADATA_IP } from './fabric.ts'

export const LEASE_SECONDS = 86_400

export interface DhcpOptions {
  /** Option 3. */
  readonly router: string | null
  /** Option 6. */
  readonly dnsNameservers: readonly string[]
  /** Option 121 (RFC 3442). */
  readonly routes: readonly HostRoute[]
}

/**
 * The options of one subnet. The way to the metadata address leads to the DHCP port. The default route is repeated among
 * the classless ones, because a client that reads those must ignore the router option (RFC 3442).
 */
export function dhcpOptions({ gatewayIp, dhcp, dnsNameservers, hostRoutes }: FabricSubnet): DhcpOptions {
  return {
    router: gatewayIp,
    dnsNameservers,
    routes: [
      ...(dhcp === null ? [] : [{ destination: `${METADATA_IP}/32`, nexthop: dhcp.ipAddress }]),
      ...hostRoutes,
      ...(gatewayIp === null ? [] : [{ destination: '0.0.0.0/0', nexthop: gatewayIp }]),
    ],
  }
}
