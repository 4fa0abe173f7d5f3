/** A cloud of five sites as processes on a WAN, with hosts that pretend, each with servers: enough to go on alone. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startLocalCloud } from '@atoll/cli'
import { createLab, type Lab } from '@atoll/lab'
import {
  type Connection,
  createFlavor,
  createNetwork,
  createServer,
  createSubnet,
  listServers,
  type Server,
  uploadImage,
  waitForStatus,
  waitUntil,
} from '@atoll/sdk'
import { keepLogs } from './lab-cloud.ts'

export const SITES = ['site1', 'site2', 'site3', 'site4', 'site5'] as const
/** For what takes moments; a busy machine may need longer. */
export const SOON = { timeoutMs: 60_000 }
export const QUOTA = { instances: 100, cores: 200, ram: 1_000_000 }
/** Of the one flavor. */
export const RAM_MIB = 192
const WAN_DELAY_MS = 10
/** The more a site has made, the more it borrows ahead. */
const SERVERS_PER_SITE = 3
const IMAGE_BYTES = 64 * 1024

export interface FiveSitesOptions {
  /** Of the lab and the cloud; unique on the machine. */
  readonly name: string
  /** What the peers are started with, in place of the lab itself; `directory` goes with the cloud. */
  readonly programsOf?: (lab: Lab, directory: string) => Lab
}

export type FiveSites = Awaited<ReturnType<typeof openFiveSites>>

/** Callers must close it. */
export async function openFiveSites({ name, programsOf = (lab) => lab }: FiveSitesOptions) {
  const directory = mkdtempSync(join(tmpdir(), 'atoll-five-'))
  const lab = await createLab({ name, hosts: SITES, wan: { delayMs: WAN_DELAY_MS } })
  const release = async () => {
    await lab.destroy()
    keepLogs(name, directory, SITES)
    rmSync(directory, { recursive: true, force: true })
  }
  try {
    const size = ['--vcpus', '16', '--ram', '32768', '--disk', '500']
    const peerOptions = ['--hypervisor', 'simulated', '--hosts', '2', ...size]
    const programs = programsOf(lab, directory)
    const cloud = await startLocalCloud({ name, sites: SITES, directory, lab: programs, peerOptions })
    const connection = await cloud.connect('site1')
    const basics = await makeBasics(connection)
    const connectAll = (sites: readonly string[]) => Promise.all(sites.map((site) => cloud.connect(site)))

    const makeServer = async (
      client: Connection,
      serverName: string,
      availabilityZone: string,
      networkId = basics.networkId,
    ) => {
      const { imageId, flavorId } = basics
      const placement = { networks: [{ uuid: networkId }], availabilityZone }
      const { id } = await createServer(client, { name: serverName, imageId, flavorId, ...placement })
      return waitForStatus(client, id, 'ACTIVE', SOON)
    }

    /** Waits until all of `sites` show the same servers, all of them ACTIVE, and answers with these. */
    const agreed = async (sites: readonly string[] = SITES): Promise<readonly Server[]> => {
      const clients = await connectAll(sites)
      return waitUntil({ what: 'all sites show the same servers', ...SOON }, async () => {
        const lists = await Promise.all(clients.map((client) => listServers(client)))
        const [first = []] = lists
        const views = new Set(lists.map((servers) => JSON.stringify(describeAll(servers))))
        return views.size === 1 && first.every(({ status }) => status === 'ACTIVE') && first
      })
    }

    for (const site of SITES)
      for (let index = 0; index < SERVERS_PER_SITE; index++)
        await makeServer(connection, `${site}-${index}`, site)
    const close = async () => {
      await cloud.stop()
      await release()
    }
    return { lab, cloud, connectAll, makeServer, agreed, close }
  } catch (error) {
    await release()
    throw error
  }
}

/** Equal as long as nobody has done anything to it. */
export function describeServer({ id, status, updated = '' }: Server): string {
  return `${id} ${status} ${updated}`
}

export const describeAll = (servers: readonly Server[]) => servers.map(describeServer).sort()

export const idsOf = (servers: readonly Server[]) => servers.map(({ id }) => id).sort()

export async function setQuota(connection: Connection, quota: typeof QUOTA): Promise<void> {
  const path = `/v2.1/os-quota-sets/${connection.projectId}`
  await connection.request('compute', 'PUT', path, { body: { quota_set: quota } })
}

async function makeBasics(connection: Connection) {
  await setQuota(connection, QUOTA)
  const content = Buffer.alloc(IMAGE_BYTES, 'image')
  const image = { name: 'guest', diskFormat: 'raw', content, visibility: 'public' } as const
  const { id: imageId } = await uploadImage(connection, image)
  const flavor = { name: 'tiny', vcpus: 1, ramMib: RAM_MIB, diskGib: 1 }
  const { id: flavorId } = await createFlavor(connection, flavor)
  const { id: networkId } = await createNetwork(connection, { name: 'tenant' })
  await createSubnet(connection, { networkId, name: 'tenant', cidr: '10.77.0.0/24' })
  return { imageId, flavorId, networkId }
}
