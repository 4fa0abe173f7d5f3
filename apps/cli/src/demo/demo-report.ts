/** What the demo shows at its end: what happened, and what to type next. */

import type { PeerStatus } from '@atoll/peer'
import { type ClientSettings, openrc } from '../client-settings.ts'
import { formatDuration, formatTable } from '../format-table.ts'
import type { ProofStep } from './prove.ts'

export function proofTable(steps: readonly ProofStep[]): string {
  return formatTable(
    ['What', 'Asked at', 'Done at', 'Took', 'Result'],
    steps.map(({ what, askedAt, doneAt, durationMs, result }) => [
      what,
      askedAt,
      doneAt,
      formatDuration(durationMs),
      result,
    ]),
  )
}

/** Where the sites are in the space of round trips, as one of them knows it. */
export function positionTable({ sites }: PeerStatus): string {
  return formatTable(
    ['Site', 'State', 'Position (ms)', 'Height (ms)', 'Error'],
    sites.map(({ name, overlay }) => {
      const { vector = [], heightMs = 0, error = 0 } = overlay?.position ?? {}
      const coordinates = vector.map((coordinate) => coordinate.toFixed(1)).join(' ')
      return [name, overlay?.state ?? '-', coordinates, heightMs.toFixed(1), error.toFixed(2)]
    }),
  )
}

export interface NextSteps {
  /** By name of the site. */
  readonly clients: Readonly<Record<string, ClientSettings>>
  readonly cloudsYamlPath: string
  readonly dataDirectories: Readonly<Record<string, string>>
}

export function nextSteps({ clients, cloudsYamlPath, dataDirectories }: NextSteps): string {
  const [[firstSite, firstData] = ['', '']] = Object.entries(dataDirectories)
  const environments = Object.entries(clients).map(([site, client]) => `# ${site}\n${openrc(client)}`)
  return `The cloud is running. In another terminal:

export OS_CLIENT_CONFIG_FILE=${cloudsYamlPath}
openstack --os-cloud ${firstSite} server list
openstack --os-cloud ${firstSite} console log show demo
./atoll status --data ${firstData}
./atoll distances --data ${firstData}

Or, for any site, the same as variables:

${environments.join('\n')}`
}
