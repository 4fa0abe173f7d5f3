/** The world of production: the machine's clock, kernel randomness, its store, mutual TLS, files, QEMU and the kernel's network. */

import { mkdirSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { isoConfigDrives } from '@atoll/compute'
import { LinuxFabric, SimulatedFabric, SimulatedUnderlay } from '@atoll/fabric'
import type { PeerAddress } from '@atoll/federation'
import { QemuHypervisor, SimulatedHypervisor, SimulatedMachine } from '@atoll/hypervisor'
import { createPasswords } from '@atoll/identity'
import { diskFiles, ImageStore } from '@atoll/images'
import { type Logger, systemClock, systemRandom } from '@atoll/kit'
import { Http2Transport, type KeyStore } from '@atoll/overlay'
import { openStore } from '@atoll/rome'
import { type Settings, storeUrlOf } from './settings.ts'
import type { World, WorldHost } from './world.ts'

export interface RealWorldOptions {
  readonly dataDirectory: string
  readonly siteName: string
  readonly settings: Settings
  readonly keys: KeyStore
  readonly tunnelIp: string
  readonly log: Logger
  /** Where the peers of a site are; known only when the federation is open, hence a function. */
  readonly resolve: (site: string) => readonly PeerAddress[]
}

export async function openRealWorld(options: RealWorldOptions): Promise<World> {
  const { dataDirectory, keys, log, resolve } = options
  const base = { clock: systemClock, random: systemRandom, log }
  const directories = { images: join(dataDirectory, 'cache') }
  const configDrives = join(dataDirectory, 'config-drives')
  for (const directory of [directories.images, configDrives])
    mkdirSync(directory, { recursive: true, mode: 0o700 })
  return {
    ...base,
    store: await openStore(storeUrlOf(dataDirectory, options.settings), base),
    keys: () => keys.keys,
    transport: new Http2Transport({ ...base, credentials: keys, resolve }),
    images: await ImageStore.open({
      path: join(dataDirectory, 'images'),
      files: diskFiles,
      clock: systemClock,
    }),
    files: diskFiles,
    passwords: createPasswords({ random: systemRandom }),
    hosts: await openHosts(options),
    directories,
    configDrives: isoConfigDrives(configDrives),
  }
}

async function openHosts(options: RealWorldOptions): Promise<readonly WorldHost[]> {
  switch (options.settings.host.hypervisor ?? 'qemu') {
    case 'none':
      return []
    case 'simulated':
      return simulatedHosts(options)
    case 'qemu':
      return [await qemuHost(options)]
  }
}

async function qemuHost({
  dataDirectory,
  siteName,
  settings,
  tunnelIp,
  log,
}: RealWorldOptions): Promise<WorldHost> {
  const { vcpus, ramMib, diskGib, accel = 'auto' } = settings.host
  const stateDirectory = join(dataDirectory, 'fabric')
  mkdirSync(stateDirectory, { recursive: true, mode: 0o700 })
  const hypervisor = await QemuHypervisor.open({
    directory: join(dataDirectory, 'guests'),
    accelerator: accel,
    clock: systemClock,
    log,
  })
  // An operator who asked for guests is told at once what is missing, not by the first server that fails.
  await hypervisor.requirePrograms()
  return {
    name: `${siteName}-${hostname()}`,
    tunnelIp,
    hypervisor,
    makeFabric: (metadata) =>
      new LinuxFabric({
        stateDirectory,
        tunnelIp,
        metadata,
        clock: systemClock,
        log,
      }),
    capacity: { ...(vcpus && { vcpus }), ...(ramMib && { ramMib }), ...(diskGib && { diskGib }) },
  }
}

/** Hosts that pretend: they answer like real ones and run nothing. Their guests end with the process. */
function simulatedHosts({ siteName, settings }: RealWorldOptions): readonly WorldHost[] {
  const { count = 1, vcpus = 64, ramMib = 262_144, diskGib = 4096 } = settings.host
  const underlay = new SimulatedUnderlay()
  return Array.from({ length: count }, (_, index) => {
    const tunnelIp = `198.18.${index >> 8}.${index & 255}`
    const machine = new SimulatedMachine({
      clock: systemClock,
      random: systemRandom,
      resources: { vcpus, ramMib, diskBytes: diskGib * 1024 ** 3 },
    })
    return {
      name: `${siteName}-host-${index + 1}`,
      tunnelIp,
      hypervisor: new SimulatedHypervisor({ machine, clock: systemClock }),
      makeFabric: () => new SimulatedFabric({ underlay, tunnelIp }),
    }
  })
}
