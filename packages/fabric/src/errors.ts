/** What can go wrong with a host's networking, as an operator reads it. */

import { defineError } from '@atoll/kit'

export const FabricNetworkInvalid = defineError({
  code: 'fabric.network.invalid',
  status: 400,
  fault: 'badRequest',
  message: ({ networkId, reason }: { networkId: string; reason: string }) =>
    `Network ${networkId} cannot be wired: ${reason}.`,
})

export const DeviceNameTaken = defineError({
  code: 'fabric.device.name_taken',
  status: 409,
  fault: 'conflictingRequest',
  message: ({ device, wantedFor, ownedBy }: { device: string; wantedFor: string; ownedBy: string }) =>
    `Network device ${device} is needed for ${wantedFor}, but it belongs to ${ownedBy}.`,
})

export const RootRequired = defineError({
  code: 'fabric.host.root_required',
  status: 500,
  fault: 'computeFault',
  message: (): string => 'Wiring virtual machines needs root. Run the peer as root, or with simulated hosts.',
})

export const ProgramMissing = defineError({
  code: 'fabric.program.missing',
  status: 500,
  fault: 'computeFault',
  message: ({ program, debianPackage }: { program: string; debianPackage: string }) =>
    `The program "${program}" was not found. On Debian: apt-get install ${debianPackage}`,
})

export const ProgramFailed = defineError({
  code: 'fabric.program.failed',
  status: 500,
  fault: 'computeFault',
  message: ({ program, reason }: { program: string; reason: string }) => `"${program}" failed: ${reason}`,
})

export const ProgramTimedOut = defineError({
  code: 'fabric.program.timed_out',
  status: 500,
  fault: 'computeFault',
  message: ({ program, timeoutMs }: { program: string; timeoutMs: number }) =>
    `"${program}" did not finish within ${timeoutMs} ms and was killed.`,
})
