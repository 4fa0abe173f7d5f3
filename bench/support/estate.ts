/** What servers need before they can be created, and the requests that create them. */

import { randomBytes } from 'node:crypto'
import {
  COMPUTE_MICROVERSION,
  type Connection,
  createFlavor,
  createNetwork,
  createSubnet,
  uploadImage,
  waitUntil,
} from '@atoll/sdk'
import type { LoadRequest } from './load-generator.ts'

export interface Estate {
  readonly networkIds: readonly string[]
  /** Each creates one server, on each network in turn; paths begin with that of the API. */
  readonly creates: readonly LoadRequest[]
}

const ACTIVE_TIMEOUT_MS = 600_000

/** An image, a flavor, and so many networks with 2^20 addresses each; the quota of the project is lifted. */
export async function makeEstate(connection: Connection, networks: number): Promise<Estate> {
  const quota = { quota_set: { instances: -1, cores: -1, ram: -1 } }
  await connection.request('compute', 'PUT', `/v2.1/os-quota-sets/${connection.projectId}`, { body: quota })
  const content = randomBytes(1 << 20)
  const image = await uploadImage(connection, {
    name: 'any',
    diskFormat: 'raw',
    content,
    visibility: 'public',
  })
  const flavor = await createFlavor(connection, { name: 'tiny', vcpus: 1, ramMib: 64, diskGib: 1 })
  const networkIds: string[] = []
  for (let index = 0; index < networks; index++) {
    const { id } = await createNetwork(connection, { name: `bench-${index}` })
    await createSubnet(connection, { networkId: id, name: `bench-${index}`, cidr: '10.0.0.0/12' })
    networkIds.push(id)
  }
  const server = { name: 'bench', imageRef: image.id, flavorRef: flavor.id }
  const creates = networkIds.map((uuid) => ({
    method: 'POST' as const,
    path: '/compute/v2.1/servers',
    body: JSON.stringify({ server: { ...server, networks: [{ uuid }] } }),
    statusExpected: 202,
  }))
  return { networkIds, creates }
}

/** The headers of every request of a load. */
export function loadHeaders({ token }: Connection): Readonly<Record<string, string>> {
  return {
    'x-auth-token': token,
    'content-type': 'application/json',
    'openstack-api-version': `compute ${COMPUTE_MICROVERSION}`,
  }
}

/** Waits until no server is BUILD. */
export async function noneIsBuilding(connection: Connection): Promise<void> {
  const path = '/v2.1/servers?status=BUILD&limit=1'
  const wait = { what: 'every server is ACTIVE', timeoutMs: ACTIVE_TIMEOUT_MS, intervalMs: 100 }
  await waitUntil(wait, async () => {
    const { servers } = await connection.get<{ servers: readonly unknown[] }>('compute', path)
    return servers.length === 0
  })
}
