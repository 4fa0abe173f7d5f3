/** Config drives as ISO 9660 images labelled `config-2`, which is where cloud-init looks. */

import { execFile } from 'node:child_process'
import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { AtollError } from '@atoll/kit'
import { ConfigDriveFailed, type ConfigDrives, GenisoimageMissing } from './config-drives.ts'
import type { MetadataFiles } from './metadata-tree.ts'

const LABEL = 'config-2'
const TIMEOUT_MS = 30_000
/** As Nova calls it: Rock Ridge and Joliet names, so that every guest sees the paths as they are. */
const OPTIONS = ['-quiet', '-J', '-r', '-l', '-ldots', '-allow-lowercase', '-allow-multidot', '-V', LABEL]

/** Drives in `directory`, `<server id>.iso`. What a killed process left of one is replaced when it is made again. */
export function isoConfigDrives(directory: string): ConfigDrives {
  const pathOf = (serverId: string) => join(directory, `${serverId}.iso`)
  const workOf = (serverId: string) => join(directory, `${serverId}.making`)
  return {
    make: async (serverId, files) => {
      const work = workOf(serverId)
      try {
        await rm(work, { recursive: true, force: true })
        await writeTree(join(work, 'tree'), files)
        await makeIso(join(work, 'drive.iso'), join(work, 'tree'))
        // Whole or not at all; a guest that has the former one open goes on reading that.
        await rename(join(work, 'drive.iso'), pathOf(serverId))
        return pathOf(serverId)
      } catch (cause) {
        throw cause instanceof AtollError
          ? cause
          : ConfigDriveFailed({ reason: (cause as Error).message }, { cause })
      } finally {
        await rm(work, { recursive: true, force: true })
      }
    },
    remove: async (serverId) => {
      await rm(pathOf(serverId), { force: true })
      await rm(workOf(serverId), { recursive: true, force: true })
    },
  }
}

async function writeTree(directory: string, files: MetadataFiles): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  for (const [path, content] of files) {
    await mkdir(join(directory, dirname(path)), { recursive: true })
    await writeFile(join(directory, path), content)
  }
}

async function makeIso(path: string, tree: string): Promise<void> {
  try {
    await promisify(execFile)('genisoimage', [...OPTIONS, '-o', path, tree], { timeout: TIMEOUT_MS })
  } catch (cause) {
    const { code, stderr = '' } = cause as { code?: unknown; stderr?: string }
    if (code === 'ENOENT') throw GenisoimageMissing({}, { cause })
    throw ConfigDriveFailed(
      { reason: stderr.trim().split('\n').at(-1) || 'genisoimage was ended' },
      { cause },
    )
  }
}
