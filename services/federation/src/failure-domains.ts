/** What a site fails together with: labels such as `grid:north` or `provider:acme`, as its operator says. */

/** More would leave no two sites apart. */
export const FAILURE_DOMAINS_MAX = 16
export const FAILURE_DOMAIN_PATTERN = '^[a-z0-9][a-z0-9._-]{0,31}:[a-z0-9][a-z0-9._-]{0,31}$'

const pattern = new RegExp(FAILURE_DOMAIN_PATTERN)

/** Those of what another site says of itself that are some; none of a site that knows nothing of them. */
export function failureDomainsIn(said: unknown): readonly string[] {
  if (!Array.isArray(said)) return []
  return said
    .filter((label): label is string => typeof label === 'string' && pattern.test(label))
    .slice(0, FAILURE_DOMAINS_MAX)
}
