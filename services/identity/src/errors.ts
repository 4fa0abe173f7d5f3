/** What identity answers beside the errors of every API, in Keystone's words. */

import { defineError } from '@atoll/kit'

export type Kind = 'user' | 'project' | 'domain' | 'role' | 'service' | 'endpoint' | 'region'

export const IdentityNotFound = defineError({
  code: 'identity.not_found',
  status: 404,
  fault: 'itemNotFound',
  message: ({ kind, id }: { kind: Kind; id: string }) => `Could not find ${kind}: ${id.slice(0, 64)}.`,
})

export const GrantNotFound = defineError({
  code: 'identity.grant.not_found',
  status: 404,
  fault: 'itemNotFound',
  message: ({ roleId, userId, targetId }: { roleId: string; userId: string; targetId: string }) =>
    `Could not find role assignment with role: ${roleId}, user or group: ${userId}, project, domain, or system: ${targetId}.`,
})

export const NameTaken = defineError({
  code: 'identity.name_taken',
  status: 409,
  fault: 'conflictingRequest',
  message: ({ kind, name, domainId }: { kind: Kind; name: string; domainId?: string }) => {
    const where = domainId === undefined ? '' : ` at domain ID ${domainId}`
    return `Conflict occurred attempting to store ${kind} - Duplicate entry found with name ${name}${where}.`
  },
})

export const DomainEnabled = defineError({
  code: 'identity.domain.enabled',
  status: 403,
  fault: 'forbidden',
  message: () => 'Cannot delete a domain that is enabled, please disable it first.',
})

export const DefaultDomainKept = defineError({
  code: 'identity.domain.default_kept',
  status: 403,
  fault: 'forbidden',
  message: () =>
    'The default domain holds the administrators of the cloud: it cannot be disabled or deleted.',
})

export const ProjectHasChildren = defineError({
  code: 'identity.project.has_children',
  status: 403,
  fault: 'forbidden',
  message: ({ id }: { id: string }) =>
    `Cannot delete the project ${id} since it is not a leaf in the hierarchy. Delete its subtree first.`,
})

export const BadProjectSites = defineError({
  code: 'identity.project.bad_sites',
  status: 400,
  fault: 'badRequest',
  message: ({ reason }: { reason: string }) =>
    `atoll:sites names the sites where the project's records are kept, separated by commas, or * for all: ${reason}`,
})

export const RecordsAtOtherSites = defineError({
  code: 'identity.project.records_at_other_sites',
  status: 409,
  fault: 'conflictingRequest',
  message: ({ count, sites }: { count: number; sites: readonly string[] }) =>
    `${count} records of the project were made at sites other than ${sites.join(', ')} and cannot move. Delete them first.`,
})

export const MethodUnsupported = defineError({
  code: 'identity.method_unsupported',
  status: 401,
  fault: 'unauthorized',
  message: () => 'Attempted to authenticate with an unsupported method.',
})

export const TokenTooLarge = defineError({
  code: 'identity.token.too_large',
  status: 403,
  fault: 'forbidden',
  message: () =>
    'The user has so many roles here that no token can hold them; ask for fewer or shorter ones.',
})

export const NotOffered = defineError({
  code: 'identity.not_offered',
  status: 501,
  fault: 'notImplemented',
  message: ({ what }: { what: string }) =>
    `The action you have requested has not been implemented: this cloud has no ${what}.`,
})

/** The text of a token is a secret and is not repeated. */
export const TokenNotFound = defineError({
  code: 'identity.token.not_found',
  status: 404,
  fault: 'itemNotFound',
  message: () => 'Could not recognize the subject token.',
})
