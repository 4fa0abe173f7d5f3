/** The lab's catalogue of errors: what the machine lacks, and what the operator can do about it. */

import { defineError } from '@atoll/kit'

export interface MissingTool {
  readonly program: string
  /** The Debian package that brings it. */
  readonly debianPackage: string
}

export const ToolsMissing = defineError({
  code: 'lab.tools_missing',
  status: 500,
  fault: 'labFault',
  message: ({ tools }: { tools: readonly MissingTool[] }) =>
    `${tools.map(({ program }) => program).join(', ')} not found; on Debian: apt-get install ${[
      ...new Set(tools.map(({ debianPackage }) => debianPackage)),
    ].join(' ')}`,
})

export const NotRoot = defineError({
  code: 'lab.not_root',
  status: 403,
  fault: 'labFault',
  message: ({ what }: { what: string }) => `Only root can ${what}; run this as root, for example with sudo.`,
})

export const ProgramFailed = defineError({
  code: 'lab.program_failed',
  status: 500,
  fault: 'labFault',
  message: ({ command, reason, output }: { command: string; reason: string; output: string }) =>
    `${command}: ${reason}${output === '' ? '' : `: ${output}`}`,
})

export const PackagesNotInstalled = defineError({
  code: 'lab.packages_not_installed',
  status: 500,
  fault: 'labFault',
  message: ({ packages }: { packages: readonly string[] }) =>
    `Debian packages could not be installed: ${packages.join(' ')}. Try: apt-get update && apt-get install ${packages.join(' ')}`,
})

export const PackageUnknown = defineError({
  code: 'lab.package_unknown',
  status: 500,
  fault: 'labFault',
  message: ({ name }: { name: string }) =>
    `apt knows no package ${name}. The guest image is made from packages of Debian for amd64: check the apt sources.`,
})

export const LabNameInvalid = defineError({
  code: 'lab.name_invalid',
  status: 400,
  fault: 'labFault',
  message: ({ name }: { name: string }) =>
    `"${name}" is no name for a lab or host: 1 to 32 lower case letters, digits and dashes, a letter first.`,
})

export const LabNameTaken = defineError({
  code: 'lab.name_taken',
  status: 409,
  fault: 'labFault',
  message: ({ name }: { name: string }) => `A lab named ${name} runs already on this machine.`,
})

export const LabHostUnknown = defineError({
  code: 'lab.host_unknown',
  status: 404,
  fault: 'labFault',
  message: ({ name }: { name: string }) => `The lab has no host named ${name}.`,
})

export const LabSubnetsExhausted = defineError({
  code: 'lab.subnets_exhausted',
  status: 409,
  fault: 'labFault',
  message: () =>
    'All subnets of 198.18.0.0/15 are taken by other labs or interfaces; end a lab that is no longer needed.',
})

export const WanRelayFailed = defineError({
  code: 'lab.wan_relay_failed',
  status: 500,
  fault: 'labFault',
  message: ({ reason }: { reason: string }) => `The relay that plays the WAN has failed: ${reason}`,
})
