/** Peers of one site as processes on hosts of a lab, over one real Redis: one is killed under load; two are far from each other. */

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type LocalCloud, type LocalPeer, type SiteStore, startLocalCloud, startSiteStore } from '@atoll/cli'
import { createLab, type Lab, labServerHost } from '@atoll/lab'
import {
  type Connection,
  createFlavor,
  createNetwork,
  createServer,
  createSubnet,
  listServers,
  uploadImage,
  waitUntil,
} from '@atoll/sdk'
import { keepLogs, skipWithoutRoot } from '../support/lab-cloud.ts'
import { openstackAt } from '../support/openstack.ts'

const HOSTS = 12
const HOST_RAM_MIB = 2048
const SERVER_RAM_MIB = 192
const CREATES = 90
const KILL_AFTER = 30
const TEST_TIMEOUT_MS = 300_000

const peerOptions = [
  '--hypervisor',
  'simulated',
  '--hosts',
  `${HOSTS}`,
  '--ram',
  `${HOST_RAM_MIB}`,
  '--vcpus',
  '16',
]

interface Site {
  readonly lab: Lab
  readonly store: SiteStore
  readonly cloud: LocalCloud
}

interface SiteOptions {
  readonly name: string
  readonly hosts: readonly string[]
  readonly sites: readonly string[]
  readonly storeHost: string
  readonly delayMs: number
}

/** The first site keeps its state on a Redis, the others each in a file. */
async function openSites(
  t: TestContext,
  { name, hosts, sites, storeHost, delayMs }: SiteOptions,
): Promise<Site> {
  const directory = mkdtempSync(join(tmpdir(), 'atoll-test-'))
  chmodSync(directory, 0o711)
  const cleanUps: (() => unknown)[] = [() => rmSync(directory, { recursive: true, force: true })]
  t.after(async () => {
    for (const cleanUp of cleanUps.toReversed()) await cleanUp()
  })
  const lab = await createLab({ name, hosts, wan: { delayMs } })
  cleanUps.push(() => lab.destroy())
  const host = labServerHost(lab, storeHost)
  const store = await startSiteStore('redis', { directory: join(directory, 'store'), host })
  cleanUps.push(() => store.stop())
  const storeOf = (site: string) => (site === sites[0] ? store.url : undefined)
  const cloud = await startLocalCloud({ name, sites, directory, lab, storeOf, peerOptions })
  cleanUps.push(
    () =>
      keepLogs(
        name,
        directory,
        cloud.peers.map((peer) => peer.name),
      ),
    () => cloud.stop(),
  )
  return { lab, store, cloud }
}

/** Raises the quota and returns how to make one server in the first site. */
async function prepare(connection: Connection, availabilityZone: string) {
  const quota = { quota_set: { instances: -1, cores: -1, ram: -1 } }
  await connection.request('compute', 'PUT', `/v2.1/os-quota-sets/${connection.projectId}`, { body: quota })
  const content = randomBytes(1 << 20)
  const image = await uploadImage(connection, { name: 'any', diskFormat: 'raw', content })
  const size = { vcpus: 1, ramMib: SERVER_RAM_MIB, diskGib: 1 }
  const flavor = await createFlavor(connection, { name: 'tiny', ...size })
  const network = await createNetwork(connection, { name: 'wide' })
  await createSubnet(connection, { networkId: network.id, name: 'wide', cidr: '10.80.0.0/20' })
  const common = {
    imageId: image.id,
    flavorId: flavor.id,
    networks: [{ uuid: network.id }],
    availabilityZone,
  }
  return async (through: Connection) => (await createServer(through, { name: 'many', ...common })).id
}

async function allActive(connection: Connection, ids: readonly string[]): Promise<void> {
  const wait = { what: 'every acknowledged server is ACTIVE', timeoutMs: 90_000, intervalMs: 500 }
  await waitUntil(wait, async () => {
    const servers = new Map((await listServers(connection)).map(({ id, status }) => [id, status]))
    for (const id of ids) assert.ok(servers.has(id), `the acknowledged server ${id} is listed`)
    return [...servers.values()].every((status) => status === 'ACTIVE')
  })
}

/** Waits until all hosts are served, by as many live peers as there are. */
async function hostsSpread(peer: LocalPeer, alive: number): Promise<void> {
  const wait = { what: `${HOSTS} hosts are served by ${alive} peers`, timeoutMs: 60_000, intervalMs: 200 }
  await waitUntil(wait, async () => {
    const living = (await peer.status()).peers.filter(({ isAlive }) => isAlive)
    const counts = living.map(({ hosts }) => hosts)
    const total = counts.reduce((sum, count) => sum + count, 0)
    return living.length === alive && total === HOSTS && Math.max(...counts) - Math.min(...counts) <= 1
  })
}

test('kill -9 of one of three peers under load: nothing acknowledged is lost, its hosts move, clients go on', {
  skip: skipWithoutRoot,
  timeout: TEST_TIMEOUT_MS,
}, async (t) => {
  const sites = ['east', 'west']
  const hosts = ['east', 'east-2', 'east-3', 'west', 'store']
  const { cloud } = await openSites(t, { name: 'test-peers', hosts, sites, storeHost: 'store', delayMs: 1 })
  const [first, west] = [cloud.peer('east'), cloud.peer('west')]
  const second = await cloud.addPeer({ site: 'east', name: 'east-2', host: 'east-2' })
  const third = await cloud.addPeer({ site: 'east', name: 'east-3', host: 'east-3' })
  await hostsSpread(third, 3)
  const connections = await Promise.all([second, third].map((peer) => peer.connect(cloud.adminPassword)))
  const create = await prepare(await cloud.connect('east'), 'east')

  const acknowledged: string[] = []
  let asked = 0
  const work = async (through: Connection) => {
    while (asked < CREATES) {
      asked++
      acknowledged.push(await create(through))
      if (acknowledged.length === KILL_AFTER) void first.stop('SIGKILL')
    }
  }
  await Promise.all([...connections, ...connections, ...connections].map(work))
  assert.equal(acknowledged.length, CREATES, 'peers that live refuse nothing')

  await hostsSpread(second, 2)
  for (const connection of connections) await allActive(connection, acknowledged)
  const path = '/v2.1/os-hypervisors/detail'
  const { hypervisors } = await (connections[0] as Connection).get<{
    hypervisors: readonly { hypervisor_hostname: string; memory_mb: number; memory_mb_used: number }[]
  }>('compute', path, { microversion: '2.53' })
  const own = hypervisors.filter(({ hypervisor_hostname: name }) => name.startsWith('east'))
  for (const { memory_mb, memory_mb_used } of own) assert.ok(memory_mb_used <= memory_mb)
  const used = own.reduce((sum, { memory_mb_used }) => sum + memory_mb_used, 0)
  assert.equal(used, CREATES * SERVER_RAM_MIB)

  for (const name of ['east-2', 'east-3']) {
    const listed = await openstackAt(cloud, name).text('server', 'list', '-f', 'value', '-c', 'Status')
    assert.equal(listed.match(/^ACTIVE$/gm)?.length, CREATES)
  }
  // The other site had joined through the peer that is gone, and reaches the site by its others.
  const fromAfar = await west.connect(cloud.adminPassword)
  await allActive(fromAfar, [await create(fromAfar)])

  await first.start()
  await hostsSpread(first, 3)
  await allActive(await cloud.connect('east'), acknowledged)
})

test('two peers of a site with a WAN between them share one store on one side', {
  skip: skipWithoutRoot,
  timeout: TEST_TIMEOUT_MS,
}, async (t) => {
  const options = { hosts: ['near', 'far'], sites: ['near'], storeHost: 'near', delayMs: 25 }
  const { cloud } = await openSites(t, { name: 'test-span', ...options })
  const far = await cloud.addPeer({ site: 'near', name: 'far', host: 'far' })
  await hostsSpread(far, 2)
  const [here, there] = [await cloud.connect('near'), await far.connect(cloud.adminPassword)]
  const create = await prepare(there, 'near')
  const ids = await Promise.all([create(here), create(there), create(there), create(here)])
  await allActive(there, ids)
  await allActive(here, ids)
})
