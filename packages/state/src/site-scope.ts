/**
 * Where a record may be stored: at sites that its project names, or everywhere. It is data of the record itself, so that
 * whoever has the row knows to whom it may be given. (Who is asking, and may see the record, is `scope.ts`.)
 */

/** Names of sites. */
export type SiteNames = readonly string[]

/** The column `site_scope` of a record; null stands for everywhere. */
export interface SiteScope {
  /** Sorted. Its home is always one of them: a record that was made before its project left a site stays there. */
  readonly allowed: SiteNames
  /** All sites that were ever allowed, so that those which no longer are can be told to drop it; null for all sites. */
  readonly reached: SiteNames | null
}

/** A longer list makes every row heavier; whoever needs more names nothing, or makes fewer and larger sites. */
export const ALLOWED_SITES_MAX = 64
/** What was ever allowed is not counted beyond this, but taken for everything. */
const REACHED_SITES_MAX = 256

/** What a follower of the feed is given of a record. */
export type Carriage =
  /** The row. */
  | 'row'
  /** That it must not keep it any longer. */
  | 'withdrawal'
  /** Nothing: it never had it. */
  | 'nothing'

export function carriageTo(site: string, scope: SiteScope | null): Carriage {
  if (isAllowedAt(site, scope)) return 'row'
  return scope?.reached === null || scope?.reached.includes(site) ? 'withdrawal' : 'nothing'
}

export function isAllowedAt(site: string, scope: SiteScope | null): boolean {
  return scope === null || scope.allowed.includes(site)
}

/** The scope of a record whose project is now kept at `sites`, given the one that it has. */
export function rescoped(current: SiteScope | null, sites: SiteNames | null, home: string): SiteScope | null {
  if (sites === null) return null
  const allowed = union(sites, [home])
  if (current === null || current.reached === null) return { allowed, reached: null }
  const reached = union(current.reached, allowed)
  return { allowed, reached: reached.length > REACHED_SITES_MAX ? null : reached }
}

/** The scope of a record that is made at `home`. */
export function newScope(sites: SiteNames, home: string): SiteScope {
  const allowed = union(sites, [home])
  return { allowed, reached: allowed }
}

/** Whether a record of this scope is where `sites` says. */
export function isScopedTo(scope: SiteScope | null, sites: SiteNames | null, home: string): boolean {
  if (sites === null || scope === null) return sites === null && scope === null
  return JSON.stringify(scope.allowed) === JSON.stringify(union(sites, [home]))
}

/** The scope of a row, which may have come from another site; undefined when it is malformed. */
export function scopeOfRow(row: Readonly<Record<string, unknown>>): SiteScope | null | undefined {
  const value = row.site_scope ?? null
  if (value === null) return null
  const { allowed, reached } = Object(value) as Partial<Record<keyof SiteScope, unknown>>
  if (!areNames(allowed, ALLOWED_SITES_MAX + 1)) return undefined
  if (reached !== null && !areNames(reached, REACHED_SITES_MAX)) return undefined
  return { allowed, reached }
}

function areNames(value: unknown, countMax: number): value is SiteNames {
  return Array.isArray(value) && value.length <= countMax && value.every((name) => typeof name === 'string')
}

function union(left: SiteNames, right: SiteNames): SiteNames {
  return [...new Set([...left, ...right])].sort()
}
