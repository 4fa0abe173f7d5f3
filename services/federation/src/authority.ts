/** Which site may be the home of a domain's records: those that the domain itself names. */

import { type AuthorityCheck, cloudScope, type RecordTable } from '@atoll/state'

export type HasAuthority = AuthorityCheck

const scope = cloudScope('authority of sites')

export interface AuthorityOptions {
  /** The records of domains, with their column `sites`. */
  readonly domains: RecordTable
  /** The domain of the cloud itself, and the site that may write its record before any replica of it has come. */
  readonly root: { readonly domainId: string; readonly founder: string }
}

export function createAuthorityCheck({ domains, root }: AuthorityOptions): AuthorityCheck {
  return async (domainId, home, reader) => {
    const domain = await reader.find(scope, domains, domainId)
    const trusted = (domain as { sites?: readonly string[] } | undefined)?.sites
    if (trusted) return trusted.includes(home)
    return domainId === root.domainId && home === root.founder
  }
}
