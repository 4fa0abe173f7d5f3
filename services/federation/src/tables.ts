/** What a site keeps for itself about the others. */

import { origin, type Position, type SignedDescriptor } from '@atoll/overlay'
import { defineTable, integer, json, type Table, text } from '@atoll/rome'
import type { PeerAddress } from './records.ts'

/**
 * Where a site was last known to answer. A hint from anybody, good enough to dial: who answers there must prove by
 * its certificate that it is that site.
 */
export const siteHints = defineTable(
  'site_hints',
  { name: text(), addresses: json<readonly PeerAddress[]>([]) },
  { primaryKey: ['name'] },
)

/** Join tokens that this site issued; `claim` says which site spent one. */
export const joinTokens = defineTable(
  'join_tokens',
  {
    id: text(),
    secret_hash: text(),
    site_name: text().nullable(),
    expires_at_ms: integer(),
    claimed_by: text().nullable(),
    claimed_key_hash: text().nullable(),
  },
  { primaryKey: ['id'] },
)

/** Names that this site gave away, with the code that goes into the ids minted there. */
export const siteNames = defineTable(
  'site_names',
  { name: text(), code: integer() },
  {
    primaryKey: ['name'],
    unique: [['code']],
  },
)

/** What other sites said of themselves in the overlay, signed: see `OverlayMemory`. */
export const overlayMembers = defineTable(
  'overlay_members',
  { site: text(), descriptor: json<SignedDescriptor>({ text: '', signature: '', credential: '' }) },
  { primaryKey: ['site'] },
)

/** Where this site was in the space of round trips. */
export const overlayPositions = defineTable(
  'overlay_positions',
  { site: text(), position: json<Position>(origin) },
  { primaryKey: ['site'] },
)

/** Ranges of codes that this site, which holds the cloud's key, has lent to sites that admit others. */
export const lentCodes = defineTable(
  'lent_codes',
  { site: text(), first: integer(), last: integer() },
  { primaryKey: ['site'] },
)

/** What the cloud has certified of this site anew: every peer takes it from here. Nothing in it is secret. */
export const ownCertificates = defineTable(
  'own_certificates',
  {
    /** `site`: of the site itself; `admits`: with which it may admit others. */
    kind: text<'site' | 'admits'>(),
    certificate: text(),
    /** Of the site that has admitted this one, where that is what certifies it. */
    admitter: text().nullable(),
  },
  { primaryKey: ['kind'] },
)

/**
 * For which version of a project's record the records of this site have been brought to where it says; of those projects
 * that were ever kept at some sites only.
 */
export const carriedProjects = defineTable(
  'carried_projects',
  { project_id: text(), version: text() },
  { primaryKey: ['project_id'] },
)

export const federationTables: readonly Table[] = [
  siteHints,
  joinTokens,
  siteNames,
  overlayMembers,
  overlayPositions,
  lentCodes,
  ownCertificates,
  carriedProjects,
]
