/**
 * The world as a parameter: everything outside of a peer that it can see or touch. Production hands in the machine,
 * the simulator hands in its own; the peer is the same.
 */

import type { ConfigDrives } from '@atoll/compute'
import type { Fabric, MetadataHandler } from '@atoll/fabric'
import type { Hypervisor } from '@atoll/hypervisor'
import type { Passwords } from '@atoll/identity'
import type { Files, ImageStore } from '@atoll/images'
import type { Clock, Logger, Random } from '@atoll/kit'
import type { KeyRing, PeerTransport, Signatures, SiteCertificates } from '@atoll/overlay'
import type { Store } from '@atoll/rome'

export interface World {
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly store: Store
  /** The keys of the moment; a renewal replaces them. */
  readonly keys: () => KeyRing
  /** Puts what the cloud has certified of the site anew into use; undefined where there are no certificates. */
  readonly installCertificates?: (certificates: SiteCertificates) => Promise<void>
  readonly transport: PeerTransport
  /** Where nobody has certificates: what the overlay signs with instead of the keys. */
  readonly signatures?: (isRevoked: (site: string) => boolean) => Signatures
  readonly images: ImageStore
  readonly files: Files
  readonly passwords: Passwords
  readonly hosts: readonly WorldHost[]
  /** Where the machine keeps what guests boot from. */
  readonly directories: { readonly images: string }
  readonly configDrives: ConfigDrives
}

/** A compute host: its hypervisor and its networking. */
export interface WorldHost {
  /**
   * Makes the host this process's own; false while another has it. The hypervisor and the fabric are used only between
   * this and `release`. Without it, nobody else could have the host, or nothing happens to it but by its simulation.
   */
  readonly acquire?: () => Promise<boolean>
  readonly release?: () => Promise<void>
  /** Unique at the site. */
  readonly name: string
  readonly tunnelIp: string
  readonly hypervisor: Hypervisor
  /** Called each time that this peer begins to serve the host; the fabric serves guests' metadata requests through the handler. */
  readonly makeFabric: (metadata: MetadataHandler) => Fabric
  readonly capacity?: { readonly vcpus?: number; readonly ramMib?: number; readonly diskGib?: number }
}
