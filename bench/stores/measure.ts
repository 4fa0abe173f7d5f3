/** What is measured of one site on one store: a burst of creations, and a mix of calls under moderate load. */

import { randomBytes } from 'node:crypto'
import type { LocalCloud } from '@atoll/cli'
import {
  COMPUTE_MICROVERSION,
  type Connection,
  createFlavor,
  createNetwork,
  createSubnet,
  uploadImage,
  waitUntil,
} from '@atoll/sdk'
import type { ClosedLoopRequest } from '../support/closed-loop.ts'
import { drive } from '../support/drive.ts'
import type { SharedSite } from './shared-site.ts'
import { bytesSent } from './wire.ts'

export interface Load {
  /** Created at once. */
  readonly servers: number
  readonly mixedCalls: number
  readonly mixedClients: number
}

export interface Measured {
  /** Until the last of the burst was accepted, and until it was ACTIVE. */
  readonly acceptedMs: number
  readonly activeMs: number
  /** Ascending. */
  readonly burstLatenciesMs: readonly number[]
  readonly mixLatenciesMs: readonly number[]
  /** On the wires between peers and store, and between the servers of the store, from the burst to the last ACTIVE. */
  readonly bytesPerServer: number
  /** Of peers to their store during the mix, for one call; what they do in the background included. */
  readonly roundTripsPerCall: number
  readonly failed: number
  readonly firstFailure: string | null
}

const NETWORKS = 8
const WARM_UP = 16
const ACTIVE_TIMEOUT_MS = 600_000
const CALL_TIMEOUT_MS = 120_000

export async function measure({ lab, cloud }: SharedSite, load: Load): Promise<Measured> {
  const { servers, mixedCalls, mixedClients } = load
  const connections = await Promise.all(cloud.peers.map((peer) => peer.connect(cloud.adminPassword)))
  const [first] = connections
  if (first === undefined) throw new Error('a site without peers')
  const creates = await prepare(first)
  const target = {
    urls: cloud.peers.map(({ apiUrl }) => apiUrl),
    headers: {
      'x-auth-token': first.token,
      'content-type': 'application/json',
      'openstack-api-version': `compute ${COMPUTE_MICROVERSION}`,
    },
    timeoutMs: CALL_TIMEOUT_MS,
  }
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
  const mix = await drive({
    ...target,
    requests: await mixOf(first, creates),
    count: mixedCalls,
    clients: mixedClients,
  })
  return {
    acceptedMs: burst.durationMs,
    activeMs,
    burstLatenciesMs: burst.latenciesMs,
    mixLatenciesMs: mix.latenciesMs,
    bytesPerServer: bytes / servers,
    roundTripsPerCall: ((await roundTrips()) - roundTripsBefore) / mixedCalls,
    failed: burst.failed + mix.failed,
    firstFailure: burst.firstFailure ?? mix.firstFailure,
  }
}

async function totalRoundTrips(cloud: LocalCloud): Promise<number> {
  const statuses = await Promise.all(cloud.peers.map((peer) => peer.status()))
  return statuses.reduce((sum, { storeRoundTrips }) => sum + storeRoundTrips, 0)
}

/** Answers with requests that create servers. */
async function prepare(connection: Connection): Promise<readonly ClosedLoopRequest[]> {
  const quota = { quota_set: { instances: -1, cores: -1, ram: -1 } }
  await connection.request('compute', 'PUT', `/v2.1/os-quota-sets/${connection.projectId}`, { body: quota })
  const image = await uploadImage(connection, {
    name: 'any',
    diskFormat: 'raw',
    content: randomBytes(1 << 20),
    visibility: 'public',
  })
  const flavor = await createFlavor(connection, { name: 'tiny', vcpus: 1, ramMib: 64, diskGib: 1 })
  const requests: ClosedLoopRequest[] = []
  for (let index = 0; index < NETWORKS; index++) {
    const { id } = await createNetwork(connection, { name: `bench-${index}` })
    await createSubnet(connection, { networkId: id, name: `bench-${index}`, cidr: '10.0.0.0/16' })
    const server = { name: 'bench', imageRef: image.id, flavorRef: flavor.id, networks: [{ uuid: id }] }
    requests.push({
      method: 'POST',
      path: '/compute/v2.1/servers',
      body: JSON.stringify({ server }),
      statusExpected: 202,
    })
  }
  return requests
}

/** What people do with a cloud: mostly look, and now and then create. */
async function mixOf(
  connection: Connection,
  creates: readonly ClosedLoopRequest[],
): Promise<readonly ClosedLoopRequest[]> {
  const { servers } = await connection.get<{ servers: readonly { id: string }[] }>(
    'compute',
    '/v2.1/servers?limit=50',
  )
  const get = (path: string): ClosedLoopRequest => ({ method: 'GET', path, statusExpected: 200 })
  return servers.flatMap(({ id }, index) => [
    get(`/compute/v2.1/servers/${id}`),
    get('/compute/v2.1/servers/detail?limit=20'),
    get(`/network/v2.0/ports?device_id=${id}`),
    get('/compute/v2.1/flavors/detail'),
    get('/image/v2/images'),
    ...(index % 2 === 0 ? [creates[index % creates.length] as ClosedLoopRequest] : []),
  ])
}

async function noneIsBuilding(connection: Connection): Promise<void> {
  const path = '/v2.1/servers?status=BUILD&limit=1'
  const wait = { what: 'every server is ACTIVE', timeoutMs: ACTIVE_TIMEOUT_MS, intervalMs: 100 }
  await waitUntil(wait, async () => {
    const { servers } = await connection.get<{ servers: readonly unknown[] }>('compute', path)
    return servers.length === 0
  })
}
