/** What can go wrong between sites, as a client or an operator reads it. */

import { defineError } from '@atoll/kit'

export const HomeUnreachable = defineError({
  code: 'federation.home.unreachable',
  status: 503,
  fault: 'serviceUnavailable',
  message: ({ site, mayHaveBeenDone }: { site: string; mayHaveBeenDone: boolean }) =>
    mayHaveBeenDone
      ? `Site ${site} did not answer. The request may have been carried out; look before trying again.`
      : `Site ${site}, which keeps this, cannot be reached at the moment. Nothing was changed.`,
})

export const ProjectUnreachable = defineError({
  code: 'federation.project.unreachable',
  status: 503,
  fault: 'serviceUnavailable',
  message: ({ sites }: { sites: readonly string[] }) =>
    `The records of this project are kept at ${sites.join(', ')} only, and none of these can be reached at the moment. Nothing was changed.`,
})

export const ZoneOutsideProject = defineError({
  code: 'federation.zone.outside_project',
  status: 400,
  fault: 'badRequest',
  message: ({ zone, sites }: { zone: string; sites: readonly string[] }) =>
    `Availability zone ${zone} is not at one of the sites where this project's records are kept: ${sites.join(', ')}.`,
})

export const TooManyHops = defineError({
  code: 'federation.too_many_hops',
  status: 503,
  fault: 'serviceUnavailable',
  message: () => 'The home of the record is moving. Nothing was changed; try again.',
})

export const SiteRevoked = defineError({
  code: 'federation.site.revoked',
  status: 403,
  fault: 'forbidden',
  message: ({ site }: { site: string }) => `Site ${site} was shut out of this cloud.`,
})

export const CannotRevoke = defineError({
  code: 'federation.site.cannot_revoke',
  status: 409,
  fault: 'conflictingRequest',
  message: ({ site, reason }: { site: string; reason: string }) =>
    `Site ${site} cannot be shut out from here: ${reason}.`,
})

export const CannotAdmit = defineError({
  code: 'federation.site.cannot_admit',
  status: 409,
  fault: 'conflictingRequest',
  message: ({
    site,
    admitting,
    canBeTrusted,
  }: {
    site: string
    admitting: readonly string[]
    canBeTrusted: boolean
  }) =>
    [
      `Sites cannot join at ${site}.`,
      admitting.length === 0
        ? 'No site that admits others is known here.'
        : `Issue the token at one of: ${admitting.slice(0, 20).join(', ')}.`,
      canBeTrusted ? `Or let this one admit others: atoll trust ${site}` : '',
    ]
      .join(' ')
      .trim(),
})

export const TokenIssuerUnknown = defineError({
  code: 'federation.site.token_issuer_unknown',
  status: 404,
  fault: 'itemNotFound',
  message: ({ code }: { code: number }) =>
    `No site that admits others and has issued this token (its code would be ${code}) is known here; join at that site itself.`,
})

export const SiteNotTrusted = defineError({
  code: 'federation.site.not_trusted',
  status: 403,
  fault: 'forbidden',
  message: ({ site }: { site: string }) =>
    `Site ${site} may not admit others, since the cloud does not trust it.`,
})

/** What a retired site hears that comes back. */
export const SiteRetired = defineError({
  code: 'federation.site.retired',
  status: 403,
  fault: 'forbidden',
  message: ({ site, heir }: { site: string; heir: string }) =>
    `Site ${site} was retired from this cloud; ${heir} keeps its records now.`,
})

export const CannotRetire = defineError({
  code: 'federation.site.cannot_retire',
  status: 409,
  fault: 'conflictingRequest',
  message: ({ site, reason }: { site: string; reason: string }) =>
    `Site ${site} cannot be retired from here: ${reason}.`,
})

/** A site asked for what another one had borrowed, of which it is not the heir as far as is known here. */
export const NotHeir = defineError({
  code: 'federation.site.not_heir',
  status: 409,
  fault: 'conflictingRequest',
  message: ({ site, heir }: { site: string; heir: string }) => `Site ${heir} is not the heir of ${site}.`,
})

export const CannotMove = defineError({
  code: 'federation.home.cannot_move',
  status: 409,
  fault: 'conflictingRequest',
  message: ({ table, id }: { table: string; id: string }) => `${table} ${id} is in use where it is.`,
})

export const SiteUnknown = defineError({
  code: 'federation.site.unknown',
  status: 404,
  fault: 'itemNotFound',
  message: ({ site }: { site: string }) => `Nobody here knows where ${site} is.`,
})

export const OverlayElsewhere = defineError({
  code: 'federation.overlay.elsewhere',
  status: 503,
  fault: 'serviceUnavailable',
  message: () => 'No peer of this site that can be reached from here runs its overlay at the moment.',
})
