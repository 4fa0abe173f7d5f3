/** A cloud of real peers and real guests on a lab, for the tests that need one; its logs stay in `.atoll/test-logs`. */

import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type LocalCloud, projectHome, startLocalCloud } from '@atoll/cli'
import { silentLogger } from '@atoll/kit'
import { buildGuestImage, createLab, type Lab } from '@atoll/lab'
import { createFlavor, createNetwork, createSubnet, uploadImage } from '@atoll/sdk'

/** For the `skip` of tests: false where they can run, else why not. */
export const skipWithoutRoot = process.geteuid?.() === 0 ? false : 'real guests and networks need root'

export interface LabCloud {
  readonly lab: Lab
  readonly cloud: LocalCloud
  /** Path of the guest image, a qcow2. */
  readonly imagePath: string
  /** Ends the cloud and the lab and removes their data. */
  close(): Promise<void>
}

export interface LabCloudOptions {
  /** Of the lab and the cloud; unique on the machine. */
  readonly name: string
  readonly sites?: readonly string[]
}

/** One way: a round trip takes 20 ms. */
const WAN_DELAY_MS = 10

export async function openLabCloud({ name, sites = ['site1', 'site2', 'site3'] }: LabCloudOptions) {
  const { path: imagePath } = await buildGuestImage({
    cacheDirectory: join(projectHome, '.atoll/cache'),
    log: silentLogger,
  })
  const directory = mkdtempSync(join(tmpdir(), 'atoll-test-'))
  const lab = await createLab({ name, hosts: sites, wan: { delayMs: WAN_DELAY_MS } })
  const release = async () => {
    await lab.destroy()
    keepLogs(name, directory, sites)
    rmSync(directory, { recursive: true, force: true })
  }
  try {
    const cloud = await startLocalCloud({
      name,
      sites,
      directory,
      lab,
      peerOptions: ['--hypervisor', 'qemu', '--accel', 'tcg'],
    })
    const close = async () => {
      await cloud.stop()
      await release()
    }
    return { lab, cloud, imagePath, close } satisfies LabCloud
  } catch (error) {
    await release()
    throw error
  }
}

/** @param peers names of the peers whose logs are in `directory` */
export function keepLogs(name: string, directory: string, peers: readonly string[]): void {
  const kept = join(projectHome, '.atoll/test-logs', name)
  mkdirSync(kept, { recursive: true })
  for (const peer of peers) cpSync(join(directory, `${peer}.log`), join(kept, `${peer}.log`), { force: true })
}

export interface Basics {
  readonly imageId: string
  readonly flavorId: string
  readonly networkId: string
}

/** What every server needs: the guest image, a flavor that fits it, and a network with a subnet. */
export async function makeBasics({ cloud, imagePath }: LabCloud, site: string): Promise<Basics> {
  const connection = await cloud.connect(site)
  const content = readFileSync(imagePath)
  const image = await uploadImage(connection, {
    name: 'guest',
    diskFormat: 'qcow2',
    content,
    visibility: 'public',
  })
  const flavor = await createFlavor(connection, { name: 'tiny', vcpus: 1, ramMib: 192, diskGib: 1 })
  const network = await createNetwork(connection, { name: 'tenant' })
  await createSubnet(connection, { networkId: network.id, name: 'tenant', cidr: '10.77.0.0/24' })
  return { imageId: image.id, flavorId: flavor.id, networkId: network.id }
}
