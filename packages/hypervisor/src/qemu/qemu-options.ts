/** The settings of the QEMU driver, with their defaults. */

import type { Clock, Logger } from '@atoll/kit'
import type { MachineType } from './qemu-arguments.ts'

export interface QemuHypervisorOptions {
  /** Holds a directory per guest. Made when missing; at most 61 bytes long, for the sockets in it. */
  readonly directory: string
  readonly clock: Clock
  readonly log: Logger
  /** `auto`, the default, probes once whether KVM runs guests. */
  readonly accelerator?: 'auto' | 'kvm' | 'tcg'
  readonly machineType?: MachineType
  readonly qemuProgram?: string
  readonly imageProgram?: string
  /** How long QEMU may take to open its disks and answer; a slow disk needs more. */
  readonly startTimeoutMs?: number
  /** How often the consoles are bounded: one that writes 10 MB/s exceeds its bound by 10 MB for each second. */
  readonly consoleIntervalMs?: number
  /** Called after each step of a start, for tests that end the process there. */
  readonly afterStep?: (step: StartStep) => void
}

/** The steps of a start, in order. */
export type StartStep = (typeof START_STEPS)[number]
export const START_STEPS = ['directory', 'record', 'disk', 'process', 'monitor'] as const

export const QEMU_DEFAULTS = {
  accelerator: 'auto',
  machineType: 'q35',
  qemuProgram: 'qemu-system-x86_64',
  imageProgram: 'qemu-img',
  startTimeoutMs: 30_000,
  consoleIntervalMs: 2_000,
  afterStep: () => {},
} as const
