/** What the services ask of each other, answered by the real ones: thin, and nothing decided here. */

import type {
  GuestPort,
  ImagesForAgent,
  ImagesForCompute,
  NetworkForCompute,
  PortsForAgent,
} from '@atoll/compute'
import { type ImageCache, images as imageTable } from '@atoll/image'
import {
  asNetworkError,
  defaultNetworks,
  type NetworkAgent,
  networks,
  ports as portTable,
  preparePort,
  subnets,
  unbindOrDeletePorts,
} from '@atoll/network'
import type { Row } from '@atoll/rome'
import { cloudScope, type Reader, type State } from '@atoll/state'

const scope = cloudScope('compute agent')

/** The network service as the compute API and its agent need it. */
export const networkForCompute: NetworkForCompute = {
  defaultNetworks,
  preparePort,
  unbindOrDeletePorts,
  asNetworkError,
  interfacesOf,
}

async function interfacesOf(reader: Reader, serverIds: readonly string[]) {
  const rows = await reader
    .select(scope, portTable)
    .selectAll()
    .where('device_id', 'in', serverIds)
    .orderBy('created_at')
    .execute()
  const networkIds = [...new Set(rows.map(({ network_id }) => network_id))]
  const named = await reader
    .select(scope, networks)
    .select(['id', 'name'])
    .where('id', 'in', networkIds)
    .execute()
  const names = new Map(named.map(({ id, name }) => [id, name]))
  const interfaces = rows.map((port) => ({
    serverId: port.device_id,
    portId: port.id,
    networkId: port.network_id,
    networkName: names.get(port.network_id) ?? port.network_id,
    macAddress: port.mac_address,
    status: port.status,
    fixedIps: port.fixed_ips,
  }))
  return Map.groupBy(interfaces, ({ serverId }) => serverId)
}

/** The image service as the compute API needs it. */
export function imagesForCompute(state: State): ImagesForCompute {
  return { find: (asking, id) => state.find(asking, imageTable, id) }
}

/** The network service as the compute agent needs it. */
export function portsForAgent(state: State, { wiring }: Pick<NetworkAgent, 'wiring'>): PortsForAgent {
  return {
    portsOf: (_serverId, portIds) => guestPorts(state, portIds),
    serverOf: async (portId) => (await state.find(scope, portTable, portId))?.device_id || undefined,
    tapOf: (portId) => wiring.tapOf(portId),
  }
}

async function guestPorts(state: State, portIds: readonly string[]): Promise<readonly GuestPort[]> {
  if (portIds.length === 0) return []
  const rows = await state.select(scope, portTable).selectAll().where('id', 'in', portIds).execute()
  const networkIds = [...new Set(rows.map(({ network_id }) => network_id))]
  const networkRows = await state.select(scope, networks).selectAll().where('id', 'in', networkIds).execute()
  const subnetRows = await state
    .select(scope, subnets)
    .selectAll()
    .where('network_id', 'in', networkIds)
    .execute()
  const mtus = new Map(networkRows.map(({ id, mtu }) => [id, mtu]))
  const subnetsById = new Map(subnetRows.map((subnet) => [subnet.id, subnet]))
  return rows
    .sort((left, right) => portIds.indexOf(left.id) - portIds.indexOf(right.id))
    .map((port) => ({
      id: port.id,
      networkId: port.network_id,
      macAddress: port.mac_address,
      mtu: mtus.get(port.network_id) ?? 1400,
      addresses: port.fixed_ips.flatMap(({ subnet_id, ip_address }) => {
        const subnet = subnetsById.get(subnet_id)
        return subnet ? [guestAddress(subnet, ip_address)] : []
      }),
    }))
}

function guestAddress(subnet: Row<typeof subnets>, ipAddress: string): GuestPort['addresses'][number] {
  return {
    ipAddress,
    cidr: subnet.cidr,
    hasDhcp: subnet.enable_dhcp,
    gatewayIp: subnet.gateway_ip,
    dnsNameservers: subnet.dns_nameservers,
    hostRoutes: subnet.host_routes,
  }
}

/** Used when an image names a kernel but no command line (`os_command_line`). */
const COMMAND_LINE = 'root=/dev/vda console=tty0 console=ttyS0'

/** The image service as the compute agent needs it. */
export function imagesForAgent(cache: ImageCache): ImagesForAgent {
  return {
    imageOf: async (imageId) => {
      const { path, format, virtualSizeBytes } = await cache.pathOf(imageId)
      return { path, format: format === 'qcow2' ? 'qcow2' : 'raw', virtualSizeBytes }
    },
    kernelOf: async (imageId) => {
      const { kernelPath, ramdiskPath, commandLine = COMMAND_LINE } = await cache.bootFilesOf(imageId)
      if (kernelPath === undefined || ramdiskPath === undefined) return undefined
      return { kernelPath, initrdPath: ramdiskPath, commandLine }
    },
  }
}
