/** Tables for people: aligned columns, in the frame that users of OpenStack's tools know. */

/** Every row has as many cells as there are columns. */
export function formatTable(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = columns.map((column, index) =>
    Math.max(column.length, ...rows.map((row) => row[index]?.length ?? 0)),
  )
  const line = `+${widths.map((width) => '-'.repeat(width + 2)).join('+')}+`
  const format = (cells: readonly string[]) =>
    `|${widths.map((width, index) => ` ${(cells[index] ?? '').padEnd(width)} `).join('|')}|`
  return [line, format(columns), line, ...rows.map(format), line].join('\n')
}

/** `850 ms`, `2.4 s`, `3 min`, `5 h`, `2 d`: two digits that matter. */
export function formatDuration(ms: number): string {
  if (ms < 10) return `${ms.toFixed(1)} ms`
  if (ms < 1000) return `${Math.round(ms)} ms`
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`
  if (ms < 3_600_000) return `${Math.round(ms / 60_000)} min`
  if (ms < 172_800_000) return `${Math.round(ms / 3_600_000)} h`
  return `${Math.round(ms / 86_400_000)} d`
}
