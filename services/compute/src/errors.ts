/** What the compute API answers when it cannot do what was asked: Nova's words. */

import { defineError } from '@atoll/kit'

/** A request that is well-formed but makes no sense; the message is Nova's for the case. */
export const InvalidRequest = defineError({
  code: 'compute.request.invalid',
  status: 400,
  fault: 'badRequest',
  message: ({ message }: { message: string }) => message,
})

/** A request that contradicts the state of what it names; the message is Nova's for the case. */
export const Conflict = defineError({
  code: 'compute.request.conflict',
  status: 409,
  fault: 'conflictingRequest',
  message: ({ message }: { message: string }) => message,
})

export const NotOffered = defineError({
  code: 'compute.not_found',
  status: 404,
  fault: 'itemNotFound',
  message: ({ message }: { message: string }) => message,
})

export const ProjectMismatch = defineError({
  code: 'compute.request.project_mismatch',
  status: 400,
  fault: 'badRequest',
  message: ({ inUrl, inToken }: { inUrl: string; inToken: string | null }) =>
    `Malformed request URL: URL's project_id '${inUrl}' doesn't match Context's project_id '${inToken ?? 'None'}'`,
})

export const ServerNotFound = defineError({
  code: 'compute.server.not_found',
  status: 404,
  fault: 'itemNotFound',
  message: ({ id }: { id: string }) => `Instance ${id} could not be found.`,
})

export const ServerInState = defineError({
  code: 'compute.server.in_state',
  status: 409,
  fault: 'conflictingRequest',
  message: ({
    action,
    id,
    attribute,
    state,
  }: {
    action: string
    id: string
    attribute: string
    state: string
  }) => `Cannot '${action}' instance ${id} while it is in ${attribute} ${state}`,
})

export const NoValidHost = defineError<Record<string, never>>({
  code: 'compute.no_valid_host',
  status: 409,
  fault: 'conflictingRequest',
  message: () => 'No valid host was found. There are not enough hosts available.',
})

export const QuotaExceeded = defineError({
  code: 'compute.quota.exceeded',
  status: 403,
  fault: 'forbidden',
  message: ({
    overs,
    requested,
    used,
    allowed,
  }: {
    overs: string
    requested: string
    used: string
    allowed: string
  }) =>
    `Quota exceeded for ${overs}: Requested ${requested}, but already used ${used} of ${allowed} ${overs}`,
})

/** Another limit than cores, RAM and instances; the message is Nova's for the case. */
export const LimitExceeded = defineError({
  code: 'compute.limit.exceeded',
  status: 403,
  fault: 'forbidden',
  message: ({ message }: { message: string }) => message,
})

export const FlavorNotFound = defineError({
  code: 'compute.flavor.not_found',
  status: 404,
  fault: 'itemNotFound',
  message: ({ id }: { id: string }) => `Flavor ${id} could not be found.`,
})

export const KeypairNotFound = defineError({
  code: 'compute.keypair.not_found',
  status: 404,
  fault: 'itemNotFound',
  message: ({ name, userId }: { name: string; userId: string }) =>
    `Keypair ${name} not found for user ${userId}`,
})

export const InvalidKeypair = defineError({
  code: 'compute.keypair.invalid',
  status: 400,
  fault: 'badRequest',
  message: ({ reason }: { reason: string }) => `Keypair data is invalid: ${reason}`,
})

export const HypervisorNotFound = defineError({
  code: 'compute.hypervisor.not_found',
  status: 404,
  fault: 'itemNotFound',
  message: ({ id }: { id: string }) => `Hypervisor with ID '${id}' could not be found.`,
})

export const MarkerNotFound = defineError({
  code: 'compute.marker.not_found',
  status: 400,
  fault: 'badRequest',
  message: ({ marker }: { marker: string }) => `marker [${marker.slice(0, 255)}] not found`,
})
