/** What is measured of one site on one store: a burst of creations, and a mix of calls under moderate load. */

import type { LocalCloud } from '@atoll/cli'
import type { Connection } from '@atoll/sdk'
import { drive } from '../support/drive.ts'
import { loadHeaders, makeEstate, noneIsBuilding } from '../support/estate.ts'
import type { LoadRequest } from '../support/load-generator.ts'
import type { SharedSite } from './shared-site.ts'
import { bytesSent } from './wire.ts'

export interface Load {
  /** Created at once. */
  readonly servers: number
  readonly mixedCalls: number
  readonly mixedClients: number
  /** At which the calls of the mix come a second time, as those of many users do. */
  readonly mixedPerSecond: number
}

export interface Measured {
  /** Until the last of the burst was accepted, and until it was ACTIVE. */
  readonly acceptedMs: number
  readonly activeMs: number
  /** Ascending. */
  readonly burstLatenciesMs: readonly number[]
  readonly mixLatenciesMs: readonly number[]
  /** The same calls at `mixedPerSecond`, from when each was due. */
  readonly steadyLatenciesMs: readonly number[]
  /** On the wires between peers and store, and between the servers of the store, from the burst to the last ACTIVE. */
  readonly bytesPerServer: number
  /** Of peers to their store during the mix, for one call; what they do in the background included. */
  readonly roundTripsPerCall: number
  readonly failed: number
  readonly firstFailure: string | null
}

const NETWORKS = 8
/** More than any store lets pile up at a rate that it can serve. */
const STEADY_CLIENTS_MAX = 512
const WARM_UP = 16
const CALL_TIMEOUT_MS = 120_000

export async function measure({ lab, cloud }: SharedSite, load: Load): Promise<Measured> {
  const { servers, mixedCalls, mixedClients, mixedPerSecond } = load
  const connections = await Promise.all(cloud.peers.map((peer) => peer.connect(cloud.adminPassword)))
  const [first] = connections
  if (first === undefined) throw new Error('a site without peers')
  const { creates } = await makeEstate(first, NETWORKS)
  const urls = cloud.peers.map(({ apiUrl }) => apiUrl)
  const target = { urls, headers: loadHeaders(first), timeoutMs: CALL_TIMEOUT_MS }
  await drive({
    ...target,
    requests: creates,
    count: WARM_UP * connections.length,
    clients: connections.length,
  })
  await noneIsBuilding(first)
  const bytesBefore = await bytesSent(lab)
  const startedMs = performance.now()
  const burst = await drive({ ...target, requests: creates, count: servers, clients: servers })
  await noneIsBuilding(first)
  const activeMs = performance.now() - startedMs
  const bytes = (await bytesSent(lab)) - bytesBefore
  const roundTrips = () => totalRoundTrips(cloud)
  const roundTripsBefore = await roundTrips()
  const calls = { ...target, requests: await mixOf(first, creates), count: mixedCalls }
  const mix = await drive({ ...calls, clients: mixedClients })
  const roundTripsPerCall = ((await roundTrips()) - roundTripsBefore) / mixedCalls
  const steady = await drive({ ...calls, clients: STEADY_CLIENTS_MAX, ratePerSecond: mixedPerSecond })
  return {
    acceptedMs: burst.durationMs,
    activeMs,
    burstLatenciesMs: burst.latenciesMs,
    mixLatenciesMs: mix.latenciesMs,
    steadyLatenciesMs: steady.latenciesMs,
    bytesPerServer: bytes / servers,
    roundTripsPerCall,
    failed: burst.failed + mix.failed + steady.failed,
    firstFailure: burst.firstFailure ?? mix.firstFailure ?? steady.firstFailure,
  }
}

async function totalRoundTrips(cloud: LocalCloud): Promise<number> {
  const statuses = await Promise.all(cloud.peers.map((peer) => peer.status()))
  return statuses.reduce((sum, { storeRoundTrips }) => sum + storeRoundTrips, 0)
}

/** What people do with a cloud: mostly look, and now and then create. */
async function mixOf(
  connection: Connection,
  creates: readonly LoadRequest[],
): Promise<readonly LoadRequest[]> {
  const { servers } = await connection.get<{ servers: readonly { id: string }[] }>(
    'compute',
    '/v2.1/servers?limit=50',
  )
  const get = (path: string): LoadRequest => ({ method: 'GET', path, statusExpected: 200 })
  return servers.flatMap(({ id }, index) => [
    get(`/compute/v2.1/servers/${id}`),
    get('/compute/v2.1/servers/detail?limit=20'),
    get(`/network/v2.0/ports?device_id=${id}`),
    get('/compute/v2.1/flavors/detail'),
    get('/image/v2/images'),
    ...(index % 2 === 0 ? [creates[index % creates.length] as LoadRequest] : []),
  ])
}
