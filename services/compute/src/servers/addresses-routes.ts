/** What a server is connected to: `/servers/{id}/ips` and `/servers/{id}/os-interface`. */

import { type Endpoint, endpoint } from '@atoll/http'
import type { ComputeDependencies } from '../dependencies.ts'
import { NotOffered } from '../errors.ts'
import type { NetworkInterface } from '../network-for-compute.ts'
import type { RequestContext } from '../request-context.ts'
import { isSince } from '../versions.ts'
import { findServer } from './find.ts'
import type { ServerRow } from './status.ts'
import { addressesOf } from './view.ts'

export function addressEndpoints({ state, network }: ComputeDependencies): Endpoint[] {
  const connected = async (context: RequestContext) => {
    const server = await findServer(state, context)
    const interfaces = (await network.interfacesOf(state, [server.id])).get(server.id) ?? []
    return { server, interfaces }
  }
  return [
    endpoint({
      method: 'GET',
      path: '/servers/:server_id/ips',
      rule: 'os_compute_api:ips:index',
      handle: async (context) => ({ addresses: plainAddresses((await connected(context)).interfaces) }),
    }),
    endpoint({
      method: 'GET',
      path: '/servers/:server_id/ips/:network',
      rule: 'os_compute_api:ips:show',
      handle: async (context) => {
        const name = context.params.network ?? ''
        const addresses = plainAddresses((await connected(context)).interfaces)
        if (!Object.hasOwn(addresses, name))
          throw NotOffered({ message: 'Instance is not a member of specified network' })
        return { [name]: addresses[name] }
      },
    }),
    endpoint({
      method: 'GET',
      path: '/servers/:server_id/os-interface',
      rule: 'os_compute_api:os-attach-interfaces:list',
      handle: async (context) => {
        const { server, interfaces } = await connected(context)
        return { interfaceAttachments: interfaces.map((one) => interfaceView(context, server, one)) }
      },
    }),
    endpoint({
      method: 'GET',
      path: '/servers/:server_id/os-interface/:port_id',
      rule: 'os_compute_api:os-attach-interfaces:show',
      handle: async (context) => {
        const { server, interfaces } = await connected(context)
        const portId = context.params.port_id ?? ''
        const found = interfaces.find((one) => one.portId === portId)
        if (!found) {
          throw NotOffered({
            message: `Instance ${server.id} does not have a port with id ${portId.slice(0, 64)}`,
          })
        }
        return { interfaceAttachment: interfaceView(context, server, found) }
      },
    }),
  ]
}

// Here, unlike in a server's details, an address is nothing but itself.
function plainAddresses(interfaces: readonly NetworkInterface[]): Record<string, object[]> {
  return Object.fromEntries(
    Object.entries(addressesOf(interfaces)).map(([name, addresses]) => [
      name,
      (addresses as { version: number; addr: string }[]).map(({ version, addr }) => ({ version, addr })),
    ]),
  )
}

function interfaceView(context: RequestContext, { device_tags }: ServerRow, one: NetworkInterface) {
  const tag = device_tags.find(({ port_id }) => port_id === one.portId)?.tag ?? null
  return {
    net_id: one.networkId,
    port_id: one.portId,
    mac_addr: one.macAddress,
    port_state: one.status,
    fixed_ips: one.fixedIps,
    ...(isSince(context, '2.70') && { tag }),
  }
}
