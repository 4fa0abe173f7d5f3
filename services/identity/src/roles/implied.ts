/** Which roles imply which, as Keystone's bootstrap sets them up, and which speak for more than their domain. */

import { DEFAULT_DOMAIN_ID } from '../records.ts'

/** Each implies all that follow. */
const ladder = ['admin', 'manager', 'member', 'reader'] as const

/** They open what belongs to the whole cloud, whatever the project. */
const cloudRoles: ReadonlySet<string> = new Set(['admin', 'service'])
/** It opens a whole domain: its holder can give itself every other role there, by way of somebody's password. */
const domainRole = 'manager'

/** `names` and what they imply, each once. */
export function withImplied(names: readonly string[]): string[] {
  const highest = ladder.findIndex((role) => names.includes(role))
  return [...new Set([...names, ...(highest < 0 ? [] : ladder.slice(highest))])]
}

/** Whether any of these roles, or what they imply, counts only in the token of a site that the domain trusts. */
export function needTrust(names: readonly string[]): boolean {
  return withImplied(names).some((name) => speaksForMore(name.toLowerCase()))
}

function speaksForMore(folded: string): boolean {
  return cloudRoles.has(folded) || folded === domainRole
}

export interface RoleStanding {
  /** The domain in which the roles were granted; null for a token without a scope. */
  readonly domainId: string | null
  /** Whether that domain trusts the site that says so. */
  readonly isTrusted: boolean
}

/**
 * The names that count in policies. A domain is written by the sites that it trusts, so what they grant there must not
 * make anybody administrator of the cloud: outside of the default domain `admin` and `service` count for nothing, and
 * only what they imply remains. A site that the domain does not trust makes no manager of it either. Policies compare
 * without case; so do we.
 */
export function effectiveRoles(names: readonly string[], { domainId, isTrusted }: RoleStanding): string[] {
  const isOfCloud = isTrusted && domainId === DEFAULT_DOMAIN_ID
  return withImplied(names).filter((name) => {
    const folded = name.toLowerCase()
    return (isOfCloud || !cloudRoles.has(folded)) && (isTrusted || folded !== domainRole)
  })
}
