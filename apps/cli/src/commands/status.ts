/** `atoll status`: the cloud as one peer sees it. */

import type { PeerStatus, SiteStatus } from '@atoll/peer'
import { Command } from 'commander'
import { askStatus } from '../admin-client.ts'
import { addDataOption } from '../data-directory.ts'
import { formatDuration, formatTable } from '../format-table.ts'

export function statusCommand(): Command {
  return addDataOption(new Command('status'))
    .description('show the sites of the cloud, as the peer of this machine sees them')
    .option('--json', 'as JSON, for programs')
    .addHelpText('after', '\nExample:\n  $ ./atoll status --data /var/lib/atoll')
    .action(async ({ data, json }: { data: string; json?: boolean }) => {
      const status = await askStatus(data)
      process.stdout.write(json ? `${JSON.stringify(status, null, 2)}\n` : describe(status))
    })
}

function describe(status: PeerStatus): string {
  const { cloud, site, version, uptimeMs, hypervisor, store, peers, sites, shutOutBy } = status
  const headline = `Cloud ${cloud}, seen from ${site} (Atoll ${version}, up ${formatDuration(uptimeMs)}, hypervisor ${hypervisor})`
  const columns = ['Site', 'Reachable', 'Age', 'State', 'RTT', 'Predicted', 'Hosts', 'Servers', 'API']
  const certificates = status.certificates ? [describeCertificates(status.certificates)] : []
  const exile = `THIS SITE WAS SHUT OUT OF THE CLOUD, say ${shutOutBy.join(', ')}`
  const around = [
    headline,
    ...(shutOutBy.length > 0 ? [exile] : []),
    `Store: ${store}`,
    ...certificates,
    ...peers.map(describePeer),
  ].join('\n')
  return `${around}\n${formatTable(
    columns,
    sites.map((each) => row(each, each.name === site)),
  )}\n`
}

function describeCertificates(certificates: NonNullable<PeerStatus['certificates']>): string {
  const { peerEndsAt, siteEndsAt, admitsUnder } = certificates
  const dayOf = (time: string) => `${time.slice(0, 10)}${Date.parse(time) < Date.now() ? ' (EXPIRED)' : ''}`
  const joining = admitsUnder === null ? '' : `; sites join here as ${admitsUnder}NAME`
  return `Certificates: peer until ${dayOf(peerEndsAt)}, site until ${dayOf(siteEndsAt)}${joining}`
}

function describePeer({ name, apiUrl, isAlive, hosts }: PeerStatus['peers'][number]): string {
  return `Peer ${name}: ${isAlive ? 'alive' : 'SILENT'}, ${hosts} hosts, ${apiUrl}`
}

function row(site: SiteStatus, isSelf: boolean): readonly string[] {
  const duration = (ms: number | null) => (ms === null ? '-' : formatDuration(ms))
  return [
    site.name,
    isSelf ? 'here' : contactOf(site),
    isSelf ? '-' : duration(site.ageMs),
    site.overlay ? `${site.overlay.state} ${formatDuration(site.overlay.forMs)}` : '-',
    isSelf ? '-' : duration(site.roundTripMs),
    isSelf ? '-' : duration(site.overlay?.predictedMs ?? null),
    String(site.hosts),
    String(site.servers),
    site.apiUrl,
  ]
}

// Only an absence that nobody planned shouts.
function contactOf({ isReachable, standing, guardians, recordsLeft }: SiteStatus): string {
  if (standing === 'revoked') return 'revoked'
  if (standing === 'retired')
    return `retired, see ${guardians.join(', ')}${recordsLeft ? ` (${recordsLeft} records left)` : ''}`
  if (isReachable) return standing === 'dormant' ? 'yes, dormant' : 'yes'
  return standing === 'dormant' ? 'dormant' : 'NO'
}
