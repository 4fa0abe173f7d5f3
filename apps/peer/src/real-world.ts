/** The world of production: the machine's clock, kernel randomness, its store, mutual TLS, files, QEMU and the kernel's network. */

import { mkdirSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { isoConfigDrives } from '@atoll/compute'
import { LinuxFabric, SimulatedFabric, SimulatedUnderlay } from '@atoll/fabric'
import type { PeerAddress } from '@atoll/federation'
import { HeldHypervisor, QemuHypervisor, SimulatedHypervisor, SimulatedMachine } from '@atoll/hypervisor'
import { createPasswords } from '@atoll/identity'
import { diskFiles, ImageStore } from '@atoll/images'
import { type Logger, systemClock, systemRandom } from '@atoll/kit'
import { Http2Transport, type KeyStore, type SiteCertificates } from '@atoll/overlay'
import { isSharedStore, openStore } from '@atoll/rome'
import { DataInUse, tryLockHost } from './data-lock.ts'
import { type Settings, storeUrlOf } from './settings.ts'
import type { World, WorldHost } from './world.ts'

export interface RealWorldOptions {
  readonly dataDirectory: string
  readonly siteName: string
  readonly settings: Settings
  readonly keys: KeyStore
  readonly installCertificates: (certificates: SiteCertificates) => Promise<void>
  readonly tunnelIp: string
  readonly log: Logger
  /** Where the peers of a site are; known only when the federation is open, hence a function. */
  readonly resolve: (site: string, peer?: string) => readonly PeerAddress[]
}

export async function openRealWorld(options: RealWorldOptions): Promise<World> {
  const { dataDirectory, settings, keys, log, resolve } = options
  const base = { clock: systemClock, random: systemRandom, log }
  const hostDirectory = settings.host.directory ?? dataDirectory
  const directories = { images: join(hostDirectory, 'cache') }
  const configDrives = join(hostDirectory, 'config-drives')
  for (const directory of [directories.images, configDrives])
    mkdirSync(directory, { recursive: true, mode: 0o700 })
  return {
    ...base,
    store: await openStore(storeUrlOf(dataDirectory, settings), base),
    keys: () => keys.keys,
    installCertificates: options.installCertificates,
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
  const directory = settings.host.directory ?? dataDirectory
  const stateDirectory = join(directory, 'fabric')
  mkdirSync(stateDirectory, { recursive: true, mode: 0o700 })
  const open = async () => {
    const driver = await QemuHypervisor.open({
      directory: join(directory, 'guests'),
      accelerator: accel,
      clock: systemClock,
      log,
    })
    // An operator who asked for guests is told at once what is missing, not by the first server that fails.
    await driver.requirePrograms()
    return driver
  }
  const hypervisor = new HeldHypervisor({ kind: 'qemu', open, log })
  const turns = takeTurns(hypervisor, directory)
  // Who has the only store of the site need not wait for it to say so.
  if (!isSharedStore(storeUrlOf(dataDirectory, settings)) && !(await turns.acquire()))
    throw DataInUse({ dataDirectory: directory })
  return {
    ...turns,
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

/** The host is of the process that has the lock of its directory, which the kernel gives to one at a time. */
function takeTurns(hypervisor: HeldHypervisor, directory: string) {
  let unlock: (() => void) | undefined
  const release = async () => {
    await hypervisor.letGo()
    unlock?.()
    unlock = undefined
  }
  const acquire = async () => {
    unlock = tryLockHost(directory)
    if (!unlock) return false
    try {
      await hypervisor.hold()
      return true
    } catch (error) {
      await release()
      throw error
    }
  }
  return { acquire, release }
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
