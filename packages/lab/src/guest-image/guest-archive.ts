/** The guest's whole file system: busybox, our scripts of `packages/lab/guest`, and the kernel's drivers. */

import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { runProgram } from '../run-program.ts'
import type { ArchiveEntry } from './cpio.ts'
import { kernelModules } from './kernel-modules.ts'

/** The scripts and settings of the guest as they stand in its file system. */
export const guestFilesDirectory = join(import.meta.dirname, '../../guest')

/** Disks and cards that QEMU offers, the config drive as CD, and the power button with the events it makes. */
const MODULES = [
  'virtio_pci',
  'virtio_blk',
  'virtio_scsi',
  'virtio_net',
  'ata_piix',
  'sd_mod',
  'sr_mod',
  'isofs',
  'button',
  'evdev',
]

const DIRECTORIES = ['bin', 'dev', 'lib', 'lib/modules', 'mnt', 'proc', 'root', 'run', 'sys', 'tmp', 'var']

export interface GuestArchiveOptions {
  readonly busyboxPath: string
  /** …/lib/modules/<release> of the kernel that will run. */
  readonly modulesDirectory: string
}

export async function guestArchiveEntries(options: GuestArchiveOptions): Promise<readonly ArchiveEntry[]> {
  const busybox = await readFile(options.busyboxPath)
  const applets = (await runProgram(options.busyboxPath, ['--list'])).trim().split('\n')
  const modules = await kernelModules(options.modulesDirectory, MODULES)
  const loadOrder = modules.map(({ name }) => `${name}.ko\n`).join('')
  return [
    ...DIRECTORIES.map((path) => ({ kind: 'directory', path }) as const),
    // The kernel opens it for init's own output before init has mounted anything.
    { kind: 'device', path: 'dev/console', major: 5, minor: 1 },
    { kind: 'file', path: 'bin/busybox', content: busybox, isExecutable: true },
    ...applets
      .filter((name) => name !== 'busybox')
      .map((name) => ({ kind: 'link', path: `bin/${name}`, target: 'busybox' }) as const),
    { kind: 'link', path: 'init', target: 'bin/busybox' },
    { kind: 'link', path: 'sbin', target: 'bin' },
    { kind: 'link', path: 'var/run', target: '../run' },
    { kind: 'link', path: 'var/log', target: '../run' },
    ...modules.map(
      ({ name, content }) =>
        ({ kind: 'file', path: `lib/modules/${name}.ko`, content, isExecutable: false }) as const,
    ),
    { kind: 'file', path: 'lib/modules/load-order', content: Buffer.from(loadOrder), isExecutable: false },
    ...(await guestFiles()),
  ]
}

/** The files of `guestFilesDirectory`, in order of path, so that the same files always give the same archive. */
export async function guestFiles(): Promise<readonly ArchiveEntry[]> {
  const paths = (await readdir(guestFilesDirectory, { recursive: true })).sort()
  return Promise.all(
    paths.map(async (path): Promise<ArchiveEntry> => {
      const source = join(guestFilesDirectory, path)
      const status = await stat(source)
      if (status.isDirectory()) return { kind: 'directory', path }
      return {
        kind: 'file',
        path,
        content: await readFile(source),
        isExecutable: (status.mode & 0o100) !== 0,
      }
    }),
  )
}
