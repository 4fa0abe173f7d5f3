/** The catalogue of what can go wrong between the host agent and a hypervisor. */

import { defineError } from '@atoll/kit'

export const GuestNotFound = defineError({
  code: 'hypervisor.guest.not_found',
  status: 404,
  fault: 'itemNotFound',
  message: ({ id }: { id: string }) => `Instance ${id} could not be found.`,
})

export const GuestNotRunning = defineError({
  code: 'hypervisor.guest.not_running',
  status: 409,
  fault: 'conflictingRequest',
  message: ({ id }: { id: string }) => `Instance ${id} is not running.`,
})

export const StaleFence = defineError({
  code: 'hypervisor.guest.stale_fence',
  status: 409,
  fault: 'conflictingRequest',
  message: ({ id, fence, fenceKnown }: { id: string; fence: number; fenceKnown: number }) =>
    `Instance ${id} has been started here with generation ${fenceKnown}; generation ${fence} is stale.`,
})

export const GuestStartFailed = defineError({
  code: 'hypervisor.guest.start_failed',
  status: 500,
  fault: 'computeFault',
  message: ({ id, reason }: { id: string; reason: string }) =>
    `Instance ${id} could not be started: ${reason}`,
})

export const GuestStopFailed = defineError({
  code: 'hypervisor.guest.stop_failed',
  status: 500,
  fault: 'computeFault',
  message: ({ id, pid }: { id: string; pid: number }) =>
    `Instance ${id} could not be stopped: process ${pid} does not end although it was killed.`,
})

export const GuestRecordUnreadable = defineError({
  code: 'hypervisor.guest.record_unreadable',
  status: 500,
  fault: 'computeFault',
  message: ({ path }: { path: string }) =>
    `${path} is damaged or was written by a newer Atoll; restore it, or remove its directory to give the guest up.`,
})

export const HypervisorClosed = defineError<Record<never, never>>({
  code: 'hypervisor.closed',
  status: 503,
  fault: 'serviceUnavailable',
  message: () => 'The hypervisor driver of this host has been closed.',
})

export const HostUnsupported = defineError({
  code: 'hypervisor.host.unsupported',
  status: 500,
  fault: 'computeFault',
  message: ({ platform }: { platform: string }) =>
    `Guests run on Linux hosts only, this one is ${platform}; use the simulated hypervisor here.`,
})

export const StateDirectoryTooLong = defineError({
  code: 'hypervisor.state_directory.too_long',
  status: 500,
  fault: 'computeFault',
  message: ({ directory, lengthMax }: { directory: string; lengthMax: number }) =>
    `The path ${directory} is too long: sockets in it allow ${lengthMax} bytes. Choose a shorter state directory.`,
})

export const ProgramMissing = defineError({
  code: 'hypervisor.program.missing',
  status: 500,
  fault: 'computeFault',
  message: ({ program, debianPackage }: { program: string; debianPackage: string }) =>
    `${program} was not found on this host. Install it, on Debian with: apt-get install ${debianPackage}`,
})

export const ProgramFailed = defineError({
  code: 'hypervisor.program.failed',
  status: 500,
  fault: 'computeFault',
  message: ({ program, reason }: { program: string; reason: string }) => `${program} failed: ${reason}`,
})

export const QmpCommandFailed = defineError({
  code: 'hypervisor.qmp.command_failed',
  status: 500,
  fault: 'computeFault',
  message: ({ command, errorClass, description }: QmpFailure) =>
    `QEMU refused ${command}: ${description} (${errorClass})`,
})

export const QmpTimedOut = defineError({
  code: 'hypervisor.qmp.timed_out',
  status: 500,
  fault: 'computeFault',
  message: ({ command, timeoutMs }: { command: string; timeoutMs: number }) =>
    `QEMU did not answer ${command} within ${timeoutMs} ms.`,
})

export const QmpDisconnected = defineError({
  code: 'hypervisor.qmp.disconnected',
  status: 500,
  fault: 'computeFault',
  message: ({ path, reason }: { path: string; reason: string }) =>
    `The connection to QEMU at ${path} ended: ${reason}`,
})

export const QmpTooBusy = defineError({
  code: 'hypervisor.qmp.too_busy',
  status: 429,
  fault: 'overLimit',
  message: ({ path, outstandingMax }: { path: string; outstandingMax: number }) =>
    `QEMU at ${path} already has ${outstandingMax} commands to answer.`,
})

export interface QmpFailure {
  readonly command: string
  /** QAPI's `QapiErrorClass`: GenericError, CommandNotFound, DeviceNotFound … */
  readonly errorClass: string
  readonly description: string
}
