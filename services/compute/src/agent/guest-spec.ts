/** A server's record, with its image, its ports and its config drive, as the hypervisor wants it. */

import type { GuestSpec } from '@atoll/hypervisor'
import type { GuestPort, ImagesForAgent, PortsForAgent } from './host-drivers.ts'
import type { Server } from './plan-server.ts'

export interface GuestSpecDependencies {
  readonly ports: PortsForAgent
  readonly images: ImagesForAgent
  /** Makes the config drive of a server, and answers with its path. */
  readonly configDrive: (server: Server, ports: readonly GuestPort[]) => Promise<string>
}

const GIB = 1024 ** 3

export async function guestSpecOf(server: Server, dependencies: GuestSpecDependencies): Promise<GuestSpec> {
  const { ports: portsService, images, configDrive } = dependencies
  const [ports, image, kernel] = await Promise.all([
    portsService.portsOf(server.id, server.port_ids),
    images.imageOf(server.image_id),
    images.kernelOf(server.image_id),
  ])
  const interfaces = await Promise.all(
    ports.map(async ({ id, macAddress, mtu }) => ({
      portId: id,
      macAddress,
      mtu,
      tapName: await portsService.tapOf(id),
    })),
  )
  return {
    id: server.id,
    name: server.name,
    fence: server.fence,
    vcpus: server.flavor.vcpus,
    ramMib: server.flavor.ram,
    rootDisk: {
      basePath: image.path,
      baseFormat: image.format,
      // A flavor without a disk takes the image's own size, as in Nova.
      sizeBytes: Math.max(server.flavor.disk * GIB, image.virtualSizeBytes),
    },
    interfaces,
    ...(kernel ? { kernel } : {}),
    ...(server.has_config_drive ? { configDrivePath: await configDrive(server, ports) } : {}),
  }
}
