/**
 * The attribute `atoll:sites` of a project: the names of the sites where its records may be stored, separated by commas, or
 * `*` for everywhere. Keystone's clients send what they do not know as it is: `openstack project set --property
 * atoll:sites=east,west acme`.
 */

import type { SiteNames } from '@atoll/state'
import { ALLOWED_SITES_MAX } from '@atoll/state'
import { BadProjectSites, RecordsAtOtherSites } from '../errors.ts'

export const SITES_ATTRIBUTE = 'atoll:sites'

const EVERYWHERE = '*'

/** What identity must know of sites to keep a project at some of them. */
export interface RecordSites {
  isSite(name: string): boolean
  /** How many records of a project have their home at sites that it leaves when it is kept at `after` instead of `before`. */
  countOutside(
    projectId: string,
    change: { readonly before: SiteNames | null; readonly after: SiteNames },
  ): Promise<number>
}

/** Of a service that knows no site: a project can be kept everywhere only. */
export const noSites: RecordSites = Object.freeze({
  isSite: () => false,
  countOutside: () => Promise.resolve(0),
})

/** What a client asks for; undefined when it says nothing of it, null for everywhere. @throws BadProjectSites */
export function parseKeptAt(
  value: string | null | undefined,
  { isSite }: Pick<RecordSites, 'isSite'>,
): SiteNames | null | undefined {
  if (value === undefined || value === null) return value
  if (value.trim() === EVERYWHERE) return null
  const names = value.split(',').map((name) => name.trim())
  const unknown = names.filter((name) => !isSite(name))
  if (unknown.length > 0) throw BadProjectSites({ reason: `There is no site ${JSON.stringify(unknown[0])}.` })
  const sites = [...new Set(names)].sort()
  if (sites.length > ALLOWED_SITES_MAX)
    throw BadProjectSites({ reason: `More than ${ALLOWED_SITES_MAX} sites cannot be named.` })
  return sites
}

export function viewKeptAt(sites: SiteNames | null): object {
  return sites === null ? {} : { [SITES_ATTRIBUTE]: sites.join(',') }
}

/** Refuses to leave a site where records of the project have their home. @throws RecordsAtOtherSites */
export async function requireLeavable(
  project: { readonly id: string; readonly kept_at: SiteNames | null },
  after: SiteNames | null | undefined,
  { countOutside }: Pick<RecordSites, 'countOutside'>,
): Promise<void> {
  const before = project.kept_at
  if (!after || before?.every((site) => after.includes(site))) return
  const count = await countOutside(project.id, { before, after })
  if (count > 0) throw RecordsAtOtherSites({ count, sites: after })
}
