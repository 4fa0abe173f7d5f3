/** What the tests with real QEMU share: a state directory, guests of one boot sector, and a clock that keeps Node up. */

import { execFileSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Clock, mintId, silentLogger, systemClock, systemRandom } from '@atoll/kit'
import type { GuestSpec } from '../hypervisor.ts'
import { type BootSectorBehaviour, printingBootSector, printingCode } from './boot-sector.ts'
import { QemuHypervisor } from './qemu-hypervisor.ts'
import type { QemuHypervisorOptions } from './qemu-options.ts'

export const BOOTED_TEXT = 'guest is up\r\n'
const DISK_BYTES = 1024 ** 2

/** Why the tests with real QEMU cannot run here, or false when they can. */
export function reasonToSkip(): string | false {
  if (process.platform !== 'linux') return 'QEMU guests need Linux'
  for (const [program, debianPackage] of [
    ['qemu-system-x86_64', 'qemu-system-x86'],
    ['qemu-img', 'qemu-utils'],
  ] as const) {
    try {
      execFileSync(program, ['--version'])
    } catch {
      return `${program} does not run: apt-get install ${debianPackage}`
    }
  }
  return false
}

/** The system clock, but its timers keep the process alive: nothing else does while a guest boots. */
export const testClock: Clock = {
  ...systemClock,
  after: (delayMs, action) => {
    const timer = setTimeout(action, delayMs)
    return () => clearTimeout(timer)
  },
}

export interface TestHost {
  readonly directory: string
  spec(behaviour: BootSectorBehaviour, change?: Partial<GuestSpec>): GuestSpec
  open(options?: Partial<QemuHypervisorOptions>): Promise<QemuHypervisor>
  /** Destroys all guests, then removes all files. */
  close(): Promise<void>
}

/** A host of its own in the temporary directory, without KVM so that tests mean the same everywhere. */
export async function makeTestHost(): Promise<TestHost> {
  const directory = await mkdtemp(join(tmpdir(), 'atoll-qemu-'))
  for (const behaviour of ['obedient', 'deaf', 'short-lived'] as const) {
    const disk = Buffer.alloc(DISK_BYTES)
    disk.set(printingBootSector(`boot sector\r\n${BOOTED_TEXT}`, behaviour))
    await writeFile(join(directory, behaviour), disk)
  }
  const open = (options: Partial<QemuHypervisorOptions> = {}) =>
    QemuHypervisor.open({
      directory: join(directory, 'guests'),
      clock: testClock,
      log: silentLogger,
      accelerator: 'tcg',
      ...options,
    })
  return {
    directory,
    open,
    spec: (behaviour, change = {}) => ({
      id: mintId(systemRandom, 1),
      name: 'tiny, but real',
      fence: 1,
      vcpus: 1,
      ramMib: 16,
      rootDisk: { basePath: join(directory, behaviour), baseFormat: 'raw', sizeBytes: 2 * DISK_BYTES },
      interfaces: [],
      ...change,
    }),
    close: async () => {
      const hypervisor = await open()
      for (const { id } of await hypervisor.list()) await hypervisor.destroy(id)
      await hypervisor.close()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

/**
 * A file that QEMU takes for a Linux kernel (Documentation/arch/x86/boot.rst): it prints `text` and obeys its power
 * button from within its setup code, and never comes to the kernel proper.
 */
export function printingKernel(text: string): Uint8Array {
  const kernel = Buffer.alloc(3 * 512)
  kernel[0x1f1] = 1 // setup_sects
  kernel.writeUInt16LE(0xaa55, 0x1fe) // boot_flag
  kernel.set([0xeb, 0x66], 0x200) // jmp past the header, to 0x268
  kernel.write('HdrS', 0x202, 'latin1')
  kernel.writeUInt16LE(0x0202, 0x206) // version of the boot protocol
  kernel[0x211] = 1 // loadflags: LOADED_HIGH
  // The setup code's segment begins at the second sector.
  kernel.set(printingCode({ text, behaviour: 'obedient', offset: 0x68 }), 0x268)
  return kernel
}
