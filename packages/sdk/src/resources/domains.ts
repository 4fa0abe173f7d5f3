/** Domains, with the attribute that is Atoll's own: the sites whose word counts for them. */

import type { Connection } from '../connection.ts'

/** Keystone's id of the domain that every cloud has. */
export const DEFAULT_DOMAIN_ID = 'default'

/**
 * Lets `sites` be the home of a domain's users, projects and grants, beside those that are already: tokens that they
 * issue then carry the full power of what was granted in it. For the default domain, that of administrators of the cloud.
 */
export async function trustSites(
  connection: Connection,
  domainId: string,
  sites: readonly string[],
): Promise<readonly string[]> {
  const path = `/v3/domains/${domainId}`
  const { domain } = await connection.get<{ domain: { sites: readonly string[] } }>('identity', path)
  const trusted = [...new Set([...domain.sites, ...sites])]
  await connection.request('identity', 'PATCH', path, { body: { domain: { sites: trusted } } })
  return trusted
}
