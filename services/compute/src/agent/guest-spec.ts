/** A server's record, with its image, its ports and its config drive, as the hypervisor wants it. */

import type { GuestSpec, Hypervisor } from '@atoll/hypervisor'
import type { GuestPort, ImagesForAgent, PortsForAgent } from './host-drivers.ts'
import type { ConfigDrives } from './metadata/config-drives.ts'
import { configDriveFiles } from './metadata/metadata-tree.ts'
import type { Server } from './plan-server.ts'

export interface GuestSpecDependencies {
  readonly ports: PortsForAgent
  readonly images: ImagesForAgent
  readonly configDrives: ConfigDrives
}

/** What a guest needs of others, who may take their time. */
export interface PreparedGuest {
  readonly boot: Pick<GuestSpec, 'rootDisk' | 'kernel'>
  readonly ports: readonly GuestPort[]
  readonly interfaces: GuestSpec['interfaces']
}

const GIB = 1024 ** 3

/** Waits until the image and the ports of a server are on its host. */
export async function prepareGuest(
  server: Server,
  hypervisor: Pick<Hypervisor, 'specOf'>,
  { ports: portsService, images }: GuestSpecDependencies,
): Promise<PreparedGuest> {
  const [boot, ports] = await Promise.all([
    bootOf(server, hypervisor, images),
    portsService.portsOf(server.id, server.port_ids),
  ])
  const interfaces = await Promise.all(
    ports.map(async ({ id, macAddress, mtu }) => ({
      portId: id,
      macAddress,
      mtu,
      tapName: await portsService.tapOf(id),
    })),
  )
  return { boot, ports, interfaces }
}

export async function guestSpecOf(
  server: Server,
  { boot, ports, interfaces }: PreparedGuest,
  { configDrives }: Pick<GuestSpecDependencies, 'configDrives'>,
): Promise<GuestSpec> {
  return {
    id: server.id,
    name: server.name,
    fence: server.fence,
    vcpus: server.flavor.vcpus,
    ramMib: server.flavor.ram,
    ...boot,
    interfaces,
    ...(server.has_config_drive && {
      configDrivePath: await configDrives.make(server.id, configDriveFiles(server, ports)),
    }),
  }
}

// A guest that has its disk needs its image no more, which may have been deleted, or be at a site that is cut off.
async function bootOf(
  { id, image_id, flavor, launched_at }: Server,
  hypervisor: Pick<Hypervisor, 'specOf'>,
  images: ImagesForAgent,
): Promise<PreparedGuest['boot']> {
  const last = launched_at === null ? undefined : await hypervisor.specOf(id)
  if (last) return { rootDisk: last.rootDisk, ...(last.kernel && { kernel: last.kernel }) }
  const [image, kernel] = await Promise.all([images.imageOf(image_id), images.kernelOf(image_id)])
  const rootDisk = {
    basePath: image.path,
    baseFormat: image.format,
    // A flavor without a disk takes the image's own size, as in Nova.
    sizeBytes: Math.max(flavor.disk * GIB, image.virtualSizeBytes),
  }
  return { rootDisk, ...(kernel && { kernel }) }
}
