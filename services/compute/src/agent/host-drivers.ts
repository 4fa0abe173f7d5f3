/** What the agent is given: the hosts it answers for, and what it needs of the other services. */

import type { Hypervisor } from '@atoll/hypervisor'

/** One host: a machine with QEMU, or one of many simulated ones. */
export interface ComputeHost {
  /** Unique in the cloud. */
  readonly name: string
  readonly availabilityZone: string
  /** Where other hosts send this one's tenant frames. */
  readonly tunnelIp: string
  readonly hypervisor: Hypervisor
  /** What is offered, when that is less than what the hypervisor finds. */
  readonly capacity?: { readonly vcpus?: number; readonly ramMib?: number; readonly diskGib?: number }
}

/** A port as a guest needs it. */
export interface GuestPort {
  readonly id: string
  readonly networkId: string
  readonly macAddress: string
  readonly mtu: number
  readonly addresses: readonly GuestAddress[]
}

export interface GuestAddress {
  readonly ipAddress: string
  readonly cidr: string
  /** False: the guest must be told its address in another way. */
  readonly hasDhcp: boolean
  readonly gatewayIp: string | null
  readonly dnsNameservers: readonly string[]
  readonly hostRoutes: readonly { readonly destination: string; readonly nexthop: string }[]
}

export interface PortsForAgent {
  /** The ports of a server, in the order of its interfaces. */
  portsOf(serverId: string, portIds: readonly string[]): Promise<readonly GuestPort[]>
  /** The server that uses a port. */
  serverOf(portId: string): Promise<string | undefined>
  /** Resolves to the tap device of a port when it is wired on this host. Bounded in time. */
  tapOf(portId: string): Promise<string>
}

export interface BootImage {
  readonly path: string
  readonly format: 'raw' | 'qcow2'
  readonly virtualSizeBytes: number
}

export interface ImagesForAgent {
  /** Makes the image's bytes available on this machine, fetching what is missing. */
  imageOf(imageId: string): Promise<BootImage>
  /** Kernel and initial RAM disk, for images that name them (`kernel_id`, `ramdisk_id`). */
  kernelOf(
    imageId: string,
  ): Promise<
    { readonly kernelPath: string; readonly initrdPath: string; readonly commandLine: string } | undefined
  >
}
