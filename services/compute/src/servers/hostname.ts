/** The name that a guest calls itself, made from what its owner calls it (RFC 1123 labels). */

/** At most 63 characters of letters, digits and dashes; `server-<id>` when nothing is left of the name. */
export function hostnameOf(name: string, { id, suffix }: { id: string; suffix: string }): string {
  const label = name
    .toLowerCase()
    .replaceAll(/[ _.]/g, '-')
    .replaceAll(/[^a-z0-9-]/g, '')
    .slice(0, 63 - suffix.length)
    .replaceAll(/^-+|-+$/g, '')
  return label === '' ? `server-${id}` : `${label}${suffix}`
}
