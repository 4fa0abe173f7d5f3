/** What the QEMU of this host is and can do, found by asking and trying. */

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '@atoll/kit'
import { ProgramFailed } from '../errors.ts'
import { DEBUG_EXIT_CODE, DEBUG_EXIT_PORT, exitingBootSector } from './boot-sector.ts'
import { type MachineType, machineArguments, sandboxArguments } from './qemu-arguments.ts'
import { type ProgramResult, runProgram } from './run-program.ts'

export interface ProbeOptions {
  /** `qemu-system-x86_64`, or a path. */
  readonly program: string
  readonly clock: Clock
}

export interface QemuFeatures {
  /** 7.2.22 is 7002022, as Nova counts. */
  readonly version: number
  /** Whether the system call filter works. */
  readonly isSandboxed: boolean
}

export interface AcceleratorOptions extends ProbeOptions {
  /** `auto` takes KVM where it runs a guest, else TCG. */
  readonly accelerator: 'auto' | 'kvm' | 'tcg'
  readonly machineType: MachineType
  readonly isSandboxed: boolean
  /** Where a file of 512 bytes may be written. */
  readonly directory: string
  /**
   * The firmware reaches the boot sector within 0.3 s where KVM works. Longer: a busy host gets KVM more surely, and
   * a host whose KVM hangs (or crawls, as nested ones do) takes that much longer to be ready.
   */
  readonly timeoutMs?: number
}

export interface Accelerator {
  readonly kind: 'kvm' | 'tcg'
  /** Why, for the operator. */
  readonly reason: string
}

/** What the guests of a host are run with. */
export interface Platform {
  readonly features: QemuFeatures
  readonly accelerator: Accelerator
}

export const QEMU_DEBIAN_PACKAGE = 'qemu-system-x86'

const START_TIMEOUT_MS = 10_000

/** @throws ProgramMissing @throws ProgramFailed when it is no QEMU */
export async function probePlatform(options: Omit<AcceleratorOptions, 'isSandboxed'>): Promise<Platform> {
  const features = await probeFeatures(options)
  const accelerator = await chooseAccelerator({ ...options, isSandboxed: features.isSandboxed })
  return { features, accelerator }
}

/** @throws ProgramMissing @throws ProgramFailed when it is no QEMU */
export async function probeFeatures(options: ProbeOptions): Promise<QemuFeatures> {
  const sandboxed = await greet(options, sandboxArguments)
  if (sandboxed.exitCode === 0) return { version: versionOf(sandboxed, options), isSandboxed: true }
  return { version: versionOf(await greet(options, []), options), isSandboxed: false }
}

/**
 * Chooses the accelerator by booting a guest of 512 bytes: that `/dev/kvm` opens does not mean that guests run.
 *
 * @throws ProgramMissing
 */
export async function chooseAccelerator(options: AcceleratorOptions): Promise<Accelerator> {
  if (options.accelerator !== 'auto') return { kind: options.accelerator, reason: 'chosen by the settings' }
  const { program, clock, machineType, isSandboxed, directory, timeoutMs = 2_000 } = options
  const diskPath = join(directory, 'accelerator-probe.img')
  await writeFile(diskPath, exitingBootSector)
  const disk = {
    driver: 'raw',
    'node-name': 'root',
    'read-only': true,
    file: { driver: 'file', filename: diskPath },
  }
  const result = await runProgram({
    program,
    programArguments: [
      ...machineArguments({ machineType, accelerator: 'kvm', isSandboxed }),
      ...['-m', '16M'],
      ...['-blockdev', JSON.stringify(disk), '-device', 'virtio-blk-pci,drive=root,bootindex=0'],
      ...['-device', `isa-debug-exit,iobase=${DEBUG_EXIT_PORT},iosize=1`],
    ],
    debianPackage: QEMU_DEBIAN_PACKAGE,
    clock,
    timeoutMs,
  })
  if (result.exitCode === DEBUG_EXIT_CODE) return { kind: 'kvm', reason: 'KVM ran a test guest' }
  const why = result.isTimedOut ? `a test guest did not boot within ${timeoutMs} ms` : failureOf(result)
  return { kind: 'tcg', reason: `KVM does not run guests here: ${why}` }
}

/** Starts an empty machine and quits; QEMU's greeting tells its version. */
function greet({ program, clock }: ProbeOptions, extraArguments: readonly string[]): Promise<ProgramResult> {
  return runProgram({
    program,
    programArguments: [
      ...['-nodefaults', '-no-user-config', '-display', 'none', '-machine', 'none'],
      ...extraArguments,
      ...['-qmp', 'stdio'],
    ],
    debianPackage: QEMU_DEBIAN_PACKAGE,
    clock,
    timeoutMs: START_TIMEOUT_MS,
    input: '{"execute":"qmp_capabilities"}{"execute":"quit"}\n',
  })
}

function versionOf(result: ProgramResult, { program }: ProbeOptions): number {
  try {
    const [greeting = ''] = result.output.split('\n')
    const { major, minor, micro } = JSON.parse(greeting).QMP.version.qemu
    return major * 1_000_000 + minor * 1_000 + micro
  } catch (cause) {
    throw ProgramFailed({ program, reason: failureOf(result) }, { cause })
  }
}

function failureOf({ exitCode, errorOutput }: ProgramResult): string {
  const lastLine = errorOutput.trim().split('\n').at(-1)
  return lastLine || (exitCode === undefined ? 'a signal ended QEMU' : `QEMU exited with ${exitCode}`)
}
