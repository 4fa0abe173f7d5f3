/** What can go wrong between a service and its records. */

import { defineError } from '@atoll/kit'

/** A write reached a site that is not the record's home. The router forwards; seeing this means that the home moved meanwhile. */
export const NotHome = defineError({
  code: 'state.record.not_home',
  status: 409,
  fault: 'conflictingRequest',
  message: ({ table, id }: { table: string; id: string; home: string }) =>
    `The home of ${table} ${id} has just moved; try again.`,
})

export const RecordGone = defineError({
  code: 'state.record.gone',
  status: 404,
  fault: 'itemNotFound',
  message: ({ table, id }: { table: string; id: string }) => `No ${table} with id ${id}.`,
})

/** The site has used up its share; whoever called may borrow more and try the transaction again. */
export const ShareExhausted = defineError({
  code: 'state.share.exhausted',
  status: 409,
  fault: 'conflictingRequest',
  message: ({ resource }: { resource: string; needed: number }) =>
    `This site has used up its share of ${resource} and could not get more from where it is kept.`,
})

/** The new limit is below what is spent here or lent to others. */
export const WholeTooSmall = defineError({
  code: 'state.share.whole_too_small',
  status: 400,
  fault: 'badRequest',
  message: ({ resource, amount, minimum }: { resource: string; amount: number; minimum: number }) =>
    `${amount} of ${resource} is less than the ${minimum} that are spent or lent.`,
})

/** The project's records are stored elsewhere. The router sends requests there; seeing this means that the project has just changed. */
export const OutsideSiteScope = defineError({
  code: 'state.record.outside_site_scope',
  status: 409,
  fault: 'conflictingRequest',
  message: ({ site, allowed }: { site: string; allowed: readonly string[] }) =>
    `This belongs to a project whose records are kept at ${allowed.join(', ')} only, not at ${site}.`,
})

/** A project that was just made elsewhere: nobody here knows yet where its records may be stored. */
export const ProjectNotHere = defineError({
  code: 'state.project.not_here',
  status: 503,
  fault: 'serviceUnavailable',
  message: ({ projectId }: { projectId: string }) =>
    `This site has not heard of project ${projectId} yet. Nothing was changed; try again.`,
})

/** Each hand-over stays with the record as proof, so there must be an end to them. */
export const MovedTooOften = defineError({
  code: 'state.record.moved_too_often',
  status: 409,
  fault: 'conflictingRequest',
  message: ({ table, id }: { table: string; id: string }) =>
    `${table} ${id} has moved between sites too often and stays where it is; make another one.`,
})
