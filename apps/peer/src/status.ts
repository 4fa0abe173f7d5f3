/** What an operator sees of the cloud from one peer. */

import { hosts, servers } from '@atoll/compute'
import type { Federation } from '@atoll/federation'
import { cloudScope, type State } from '@atoll/state'
import type { OverlayStatus, PeerStatus, SiteStatus } from './admin-socket.ts'
import { certificateStatusOf } from './certificate-status.ts'
import type { SiteFile } from './site-file.ts'
import type { SitePeers } from './site-peers.ts'
import { VERSION } from './version.ts'
import type { World } from './world.ts'

export interface StatusOptions {
  readonly site: SiteFile
  readonly state: State
  readonly federation: Federation
  readonly world: World
  readonly startedMs: number
  readonly apiUrl: string
  readonly peers: SitePeers
}

const scope = cloudScope('status')

export async function statusOf(options: StatusOptions): Promise<PeerStatus> {
  const { site, state, federation, world, startedMs, apiUrl, peers } = options
  const counts = {
    hosts: await countByHome(state, hosts),
    servers: await countByHome(state, servers),
  }
  const overlayOf = describeOverlay(federation)
  const sites = federation.directory.all.map(
    ({ name, standing, apiUrl: url, failureDomains }): SiteStatus => {
      const ageMs = federation.freshness.ageMs(name)
      return {
        name,
        standing,
        apiUrl: url,
        ageMs: Number.isFinite(ageMs) ? Math.round(ageMs) : null,
        isReachable: federation.freshness.isReachable(name),
        roundTripMs: world.transport.roundTripMs(name) ?? null,
        overlay: overlayOf(name),
        hosts: counts.hosts.get(name) ?? 0,
        servers: counts.servers.get(name) ?? 0,
        ...guardiansOf(federation, name),
        failureDomains,
        recordsLeft: federation.recordsLeftOf(name) ?? null,
      }
    },
  )
  return {
    cloud: site.cloud,
    site: site.site,
    version: VERSION,
    uptimeMs: Math.round(world.clock.monotonicMs() - startedMs),
    apiUrl,
    hypervisor: world.hosts[0]?.hypervisor.kind ?? 'none',
    store: world.store.description,
    storeRoundTrips: world.store.roundTrips,
    certificates: certificateStatusOf(world.keys(), federation.joinNamePrefix ?? null),
    peers: peers.all().map(({ name, apiUrl: url, isAlive }) => ({
      name,
      apiUrl: url,
      isAlive,
      hosts: peers.ownership.countOf(name),
    })),
    shutOutBy: federation.shutOutBy,
    sites: sites.sort((left, right) => (left.name < right.name ? -1 : 1)),
  }
}

/** One look at all distances serves for all sites. */
function describeOverlay({ overlay }: Federation): (site: string) => OverlayStatus | null {
  const own = overlay.signatures.site
  const distances = new Map(overlay.outward().map((near) => [near.site, near]))
  return (site) => {
    const known = site === own ? overlay.self : overlay.find(site)
    if (!known) return null
    const near = distances.get(site)
    const predictedMs = site === own ? undefined : overlay.predictedMs(own, site)
    return {
      state: known.state,
      forMs: Math.round(known.forMs),
      rttMs: near?.rttMs ?? predictedMs ?? null,
      isMeasured: near?.isMeasured ?? false,
      predictedMs: predictedMs ?? null,
      position: overlay.positionOf(site) ?? null,
    }
  }
}

function guardiansOf(
  federation: Federation,
  site: string,
): Pick<SiteStatus, 'guardians' | 'guardianCompromises'> {
  const heir = federation.directory.standInFor(site)
  if (heir !== site) return { guardians: [heir], guardianCompromises: [] }
  const { guardians, compromises } = federation.guardiansOf(site)
  return { guardians, guardianCompromises: compromises }
}

async function countByHome(
  state: State,
  table: typeof hosts | typeof servers,
): Promise<ReadonlyMap<string, number>> {
  const rows = await state
    .select(scope, table as typeof hosts)
    .select(({ fn }) => ['home' as const, fn.countAll<number>().as('count')])
    .groupBy('home')
    .execute()
  return new Map(rows.map(({ home, count }) => [home, Number(count)]))
}
