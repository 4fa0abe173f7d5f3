/**
 * A peer that dies: `node crashing-peer.ts <options>` starts a guest and ends itself by SIGKILL after one step of the
 * start. A program of its own, since nothing less proves what a crash leaves behind.
 */

import { silentLogger, systemClock } from '@atoll/kit'
import type { GuestSpec } from '../hypervisor.ts'
import { QemuHypervisor } from './qemu-hypervisor.ts'
import type { StartStep } from './qemu-options.ts'

export interface CrashingPeerOptions {
  readonly directory: string
  readonly spec: GuestSpec
  readonly lastStep: StartStep
}

if (import.meta.main) {
  const { directory, spec, lastStep } = JSON.parse(process.argv[2] ?? '') as CrashingPeerOptions
  // The system clock's timers do not keep a process alive; a peer's sockets do.
  setTimeout(() => {}, 60_000)
  const hypervisor = await QemuHypervisor.open({
    directory,
    clock: systemClock,
    log: silentLogger,
    accelerator: 'tcg',
    afterStep: (step) => {
      if (step === lastStep) process.kill(process.pid, 'SIGKILL')
    },
  })
  await hypervisor.start(spec)
}
