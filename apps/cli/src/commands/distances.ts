/** `atoll distances`: how far the sites are from each other, as one of them knows it. */

import type { Distances, NearSite } from '@atoll/peer'
import { Command } from 'commander'
import { askDistances, askNearest } from '../admin-client.ts'
import { addDataOption } from '../data-directory.ts'
import { formatTable } from '../format-table.ts'
import { parseWholeNumber } from '../parse-values.ts'

interface Flags {
  readonly data: string
  readonly nearest?: string
  readonly count: number
  readonly json?: boolean
}

export function distancesCommand(): Command {
  return addDataOption(new Command('distances'))
    .description('show the round trips between all sites, or the sites that are nearest to one')
    .option('--nearest <site>', 'only the sites that are nearest to this one, in order')
    .option('--count <number>', 'of how many, with --nearest', parseWholeNumber, 10)
    .option('--json', 'as JSON, for programs')
    .addHelpText(
      'after',
      `
What this site measured itself is marked with *; the rest is predicted from where the sites say that they are.

Examples:
  $ ./atoll distances --data /var/lib/atoll
  $ ./atoll distances --nearest tahiti --count 3`,
    )
    .action(async ({ data, nearest, count, json }: Flags) => {
      const answer =
        nearest === undefined ? await askDistances(data) : await askNearest(data, { site: nearest, count })
      const text = 'rttMs' in answer ? distanceTable(answer) : nearestTable(answer)
      process.stdout.write(`${json ? JSON.stringify(answer, null, 2) : text}\n`)
    })
}

/** All sites in both directions; in the row and the column of the site that says so, what it measured is marked. */
export function distanceTable({ site, sites, rttMs, measured, isPartial }: Distances): string {
  const isMeasured = (from: string, to: string) =>
    (from === site && measured.includes(to)) || (to === site && measured.includes(from))
  const rows = sites.map((from, row) => [
    from,
    ...sites.map((to, column) => {
      const value = rttMs[row]?.[column] ?? null
      return from === to ? '-' : formatRoundTrip(value, isMeasured(from, to))
    }),
  ])
  const table = formatTable([`ms, seen from ${site}`, ...sites], rows)
  return isPartial ? `${table}\nThe nearest of all sites; ask for others with --nearest.` : table
}

function nearestTable(sites: readonly NearSite[]): string {
  return formatTable(
    ['Site', 'Round trip (ms)'],
    sites.map(({ site, rttMs, isMeasured }) => [site, formatRoundTrip(rttMs, isMeasured)]),
  )
}

function formatRoundTrip(rttMs: number | null, isMeasured: boolean): string {
  if (rttMs === null) return 'unknown'
  return `${rttMs < 10 ? rttMs.toFixed(1) : Math.round(rttMs)}${isMeasured ? '*' : ''}`
}
