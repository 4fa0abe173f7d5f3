/** The config drive: the metadata tree as an ISO 9660 image labelled `config-2`, where cloud-init looks for it. */

import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { defineError } from '@atoll/kit'
import type { GuestPort } from '../host-drivers.ts'
import type { Server } from '../plan-server.ts'
import { metadataTree } from './metadata-tree.ts'

export const ConfigDriveFailed = defineError({
  code: 'compute.config_drive.failed',
  status: 503,
  fault: 'serviceUnavailable',
  message: () =>
    'The config drive could not be made. Install genisoimage (Debian package genisoimage) on the host.',
})

/** Makes `<directory>/<server id>.iso`, anew at each start, since metadata may have changed. @throws ConfigDriveFailed */
export async function makeConfigDrive(
  directory: string,
  server: Server,
  ports: readonly GuestPort[],
): Promise<string> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const work = await mkdtemp(join(directory, 'making-'))
  const path = join(directory, `${server.id}.iso`)
  try {
    for (const [name, text] of metadataTree(server, ports)) {
      // On the drive, the EC2 tree stands below `ec2/`.
      const file = join(work, 'tree', name.startsWith('openstack/') ? name : `ec2/${name}`)
      await mkdir(dirname(file), { recursive: true })
      await writeFile(file, Buffer.from(text, 'latin1'))
    }
    const image = join(work, 'drive.iso')
    const options = [
      '-quiet',
      '-J',
      '-r',
      '-l',
      '-ldots',
      '-allow-lowercase',
      '-allow-multidot',
      '-V',
      'config-2',
      '-o',
    ]
    await promisify(execFile)('genisoimage', [...options, image, join(work, 'tree')], { timeout: 30_000 })
    await rename(image, path)
    return path
  } catch (cause) {
    throw ConfigDriveFailed({}, { cause })
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}
