/** A disk that a BIOS boots: one FAT file system without partitions, SYSLINUX, the kernel and its initial archive. */

import { stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runProgram } from '../run-program.ts'

export interface BootDiskOptions {
  /** An empty directory for what is needed on the way. */
  readonly workDirectory: string
  readonly kernelPath: string
  readonly initrdPath: string
  /** Kernel command line. */
  readonly commandLine: string
  /** The qcow2 file to write. */
  readonly path: string
}

/** What FAT, the boot loader and the rounding to clusters take beside the files. */
const OVERHEAD_BYTES = 1 << 20

/** For mtools, which syslinux uses, too: the same content then gives the same bytes on every machine. */
const FIXED_TIME = { ...process.env, SOURCE_DATE_EPOCH: '1000000000', TZ: 'UTC' }

/** Needs no root: mtools and syslinux write into the file system without mounting it. */
export async function writeBootDisk(options: BootDiskOptions): Promise<void> {
  const { workDirectory, kernelPath, initrdPath, commandLine, path } = options
  const raw = join(workDirectory, 'disk.raw')
  const settings = join(workDirectory, 'syslinux.cfg')
  await writeFile(
    settings,
    `DEFAULT atoll\nPROMPT 0\nLABEL atoll\n  KERNEL vmlinuz\n  INITRD initrd\n  APPEND ${commandLine}\n`,
  )
  const sizes = await Promise.all([kernelPath, initrdPath].map(async (file) => (await stat(file)).size))
  const sizeKib = Math.ceil((sizes.reduce((sum, size) => sum + size, 0) + OVERHEAD_BYTES) / 1024)
  await runProgram('mkfs.vfat', ['--invariant', '-F', '16', '-n', 'ATOLL', '-C', raw, String(sizeKib)])
  await runProgram('syslinux', ['--install', raw], { env: FIXED_TIME })
  for (const [file, name] of [
    [settings, 'syslinux.cfg'],
    [kernelPath, 'vmlinuz'],
    [initrdPath, 'initrd'],
  ] as const) {
    await runProgram('mcopy', ['-i', raw, file, `::${name}`], { env: FIXED_TIME })
  }
  await runProgram('qemu-img', ['convert', '-O', 'qcow2', raw, path])
}
