/** Times as Nova writes them. Rows keep milliseconds since the Unix epoch. */

/** `2026-11-22T03:00:00Z` */
export function isoTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`
}

/** `2026-11-22T03:00:00.000000`: Python's form without a zone, which older parts of the API have. */
export function naiveTime(ms: number | null): string | null {
  return ms === null ? null : `${new Date(ms).toISOString().slice(0, 23)}000`
}

/** Reads ISO 8601 with or without a zone (then UTC). Answers undefined when it is none. */
export function parseTime(text: string): number | undefined {
  if (!/^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?)?(?:Z|[+-]\d\d:?\d\d)?$/.test(text))
    return undefined
  const hasZone = /(?:Z|[+-]\d\d:?\d\d)$/.test(text.slice(10))
  const ms = Date.parse(`${text.replace(' ', 'T')}${hasZone ? '' : text.length > 10 ? 'Z' : 'T00:00Z'}`)
  return Number.isNaN(ms) ? undefined : ms
}
