/**
 * The guest image of the demo and the tests: a tiny Linux that does what a cloud image does at boot and says on its
 * console what it got. Built from Debian's own kernel and busybox, cached under the hash of all that goes into it.
 */

import { createHash } from 'node:crypto'
import { copyFile, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { type Logger, systemClock } from '@atoll/kit'
import { refreshPackageLists } from '../ensure-packages.ts'
import { type MissingTool, PackageUnknown, ProgramFailed } from '../errors.ts'
import { requireTools } from '../run-program.ts'
import { writeBootDisk } from './boot-disk.ts'
import { cpioArchive } from './cpio.ts'
import { candidate, candidateBehind, type DebianPackage, unpackPackage } from './debian-packages.ts'
import { guestArchiveEntries, guestFiles } from './guest-archive.ts'
import { BUILDING_PREFIX, IMAGE_PREFIX, pruneImageCache } from './image-cache.ts'

export interface GuestImage {
  /** The disk: boots in SeaBIOS, console on the first serial line. */
  readonly path: string
  readonly format: 'qcow2'
  readonly sizeBytes: number
  /** Hexadecimal. */
  readonly sha256: string
  /** The same kernel and archive as files of their own, for a direct boot (`-kernel`, `-initrd`, `-append`). */
  readonly kernelPath: string
  readonly initrdPath: string
  readonly commandLine: string
}

export interface GuestImageOptions {
  /** Made when absent. Holds one directory for each version of the image. */
  readonly cacheDirectory: string
  readonly log: Logger
}

interface Sources {
  readonly kernel: DebianPackage
  readonly busybox: DebianPackage
}

const TOOLS: readonly MissingTool[] = [
  { program: 'mkfs.vfat', debianPackage: 'dosfstools' },
  { program: 'mcopy', debianPackage: 'mtools' },
  { program: 'syslinux', debianPackage: 'syslinux' },
  { program: 'qemu-img', debianPackage: 'qemu-utils' },
  { program: 'apt-get', debianPackage: 'apt' },
  { program: 'dpkg-deb', debianPackage: 'dpkg' },
]

/** What must be installed to build the image; the kernel and busybox are only unpacked. */
export const guestImagePackages: readonly string[] = TOOLS.map(({ debianPackage }) => debianPackage)

// The guest is emulated more often than not: what protects a kernel from its users only costs it time.
const COMMAND_LINE = 'console=ttyS0,115200 quiet loglevel=3 panic=5 mitigations=off random.trust_cpu=on'

/**
 * Returns the image, from the cache when nothing that goes into it has changed.
 * @throws ToolsMissing, PackageUnknown, ProgramFailed; NotRoot when apt's package lists must be refreshed
 */
export async function buildGuestImage(options: GuestImageOptions): Promise<GuestImage> {
  await requireTools(TOOLS)
  try {
    return await buildOnce(options)
  } catch (error) {
    if (!PackageUnknown.is(error) && !ProgramFailed.is(error)) throw error
    // Absent package lists, or lists older than the mirror, look like this; anything else fails again below.
    options.log.warn(
      { err: error },
      'the guest image could not be built; trying again with fresh package lists',
    )
    await refreshPackageLists(options)
    return await buildOnce(options)
  }
}

async function buildOnce({ cacheDirectory, log }: GuestImageOptions): Promise<GuestImage> {
  const sources: Sources = {
    kernel: await candidateBehind('linux-image-cloud-amd64'),
    busybox: await candidate('busybox-static'),
  }
  const directory = join(cacheDirectory, `${IMAGE_PREFIX}${(await contentKey(sources)).slice(0, 16)}`)
  const cached = await describe(directory)
  if (cached !== undefined) return cached
  log.info({ ...sources }, `building the guest image from ${sources.kernel.name} and busybox`)
  await mkdir(cacheDirectory, { recursive: true })
  const workDirectory = await mkdtemp(join(cacheDirectory, BUILDING_PREFIX))
  try {
    const result = await assemble(sources, workDirectory)
    // Another process may have built the same image meanwhile: then its directory stays and ours goes.
    await rename(result, directory).catch(async (error: unknown) => {
      if ((await describe(directory)) === undefined) throw error
    })
  } finally {
    await rm(workDirectory, { recursive: true, force: true })
  }
  await pruneImageCache(cacheDirectory, { nowMs: systemClock.nowMs() })
  const built = await describe(directory)
  if (built === undefined) throw new Error(`the guest image vanished from ${directory}`)
  log.info({ path: built.path, sizeBytes: built.sizeBytes }, 'the guest image is ready')
  return built
}

/** Everything that decides about the bytes of the image: packages, the guest's files, and the code that joins them. */
async function contentKey({ kernel, busybox }: Sources): Promise<string> {
  const hash = createHash('sha256')
  for (const { name, version } of [kernel, busybox]) hash.update(`${name}=${version}\0`)
  hash.update(cpioArchive(await guestFiles()))
  for (const file of (await readdir(import.meta.dirname)).sort()) {
    if (!file.endsWith('.test.ts')) hash.update(await readFile(join(import.meta.dirname, file)))
  }
  return hash.digest('hex')
}

async function assemble({ kernel, busybox }: Sources, workDirectory: string): Promise<string> {
  const result = join(workDirectory, 'result')
  const kernelFiles = join(workDirectory, 'kernel')
  const busyboxFiles = join(workDirectory, 'busybox')
  await mkdir(result)
  await Promise.all([unpackPackage(kernel, kernelFiles), unpackPackage(busybox, busyboxFiles)])
  const release = kernel.name.replace('linux-image-', '')
  const entries = await guestArchiveEntries({
    busyboxPath: join(busyboxFiles, 'bin/busybox'),
    modulesDirectory: join(kernelFiles, 'lib/modules', release),
  })
  const kernelPath = join(result, 'vmlinuz')
  const initrdPath = join(result, 'initrd')
  await copyFile(join(kernelFiles, 'boot', `vmlinuz-${release}`), kernelPath)
  await writeFile(initrdPath, gzipSync(cpioArchive(entries), { level: 9 }))
  const path = join(result, 'guest.qcow2')
  await writeBootDisk({ workDirectory, kernelPath, initrdPath, commandLine: COMMAND_LINE, path })
  return result
}

async function describe(directory: string): Promise<GuestImage | undefined> {
  const path = join(directory, 'guest.qcow2')
  const isThere = await stat(path).then(
    () => true,
    () => false,
  )
  if (!isThere) return undefined
  const content = await readFile(path)
  return {
    path,
    format: 'qcow2',
    sizeBytes: content.length,
    sha256: createHash('sha256').update(content).digest('hex'),
    kernelPath: join(directory, 'vmlinuz'),
    initrdPath: join(directory, 'initrd'),
    commandLine: COMMAND_LINE,
  }
}
