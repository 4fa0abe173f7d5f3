/** Which roles imply which, as Keystone's bootstrap sets them up, and which speak for more than their domain. */

import { DEFAULT_DOMAIN_ID } from '../records.ts'

/** Each implies all that follow. */
const ladder = ['admin', 'manager', 'member', 'reader'] as const

/** They open what belongs to the whole cloud, whatever the project. */
const cloudRoles: ReadonlySet<string> = new Set(['admin', 'service'])

/** `names` and what they imply, each once. */
export function withImplied(names: readonly string[]): string[] {
  const highest = ladder.findIndex((role) => names.includes(role))
  return [...new Set([...names, ...(highest < 0 ? [] : ladder.slice(highest))])]
}

/**
 * The names that count in policies, for roles granted in `domainId`. Another domain than the default one is written
 * by the sites that it trusts; what they grant must not make anybody administrator of the cloud, so `admin` and
 * `service` count for nothing there, and only what they imply remains. Policies compare without case; so do we.
 */
export function effectiveRoles(names: readonly string[], isOfCloud: boolean): string[] {
  const all = withImplied(names)
  return isOfCloud ? all : all.filter((name) => !cloudRoles.has(name.toLowerCase()))
}

/** Whether grants in `domainId` may make administrators of the cloud. */
export function speaksForCloud(domainId: string | null): boolean {
  return domainId === DEFAULT_DOMAIN_ID
}
