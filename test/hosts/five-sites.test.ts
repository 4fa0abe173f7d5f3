/**
 * Five sites as processes on a WAN, with hosts that pretend: the cloud falls into islands and is one again, and a site sleeps
 * with its process stopped. What `test/scenarios` simulates over many seeds, once for real.
 */

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { askSleep, askWake, type LocalCloud, startLocalCloud } from '@atoll/cli'
import { createLab, type Lab } from '@atoll/lab'
import {
  type Connection,
  createFlavor,
  createNetwork,
  createServer,
  createSubnet,
  deleteServer,
  listServers,
  type Server,
  uploadImage,
  waitForDeletion,
  waitForStatus,
  waitUntil,
} from '@atoll/sdk'
import { keepLogs, skipWithoutRoot } from '../support/lab-cloud.ts'

const NAME = 'test-five-sites'
const SITES = ['site1', 'site2', 'site3', 'site4', 'site5'] as const
const ISLANDS = [
  ['site1', 'site2'],
  ['site3', 'site4', 'site5'],
] as const
const TEST_TIMEOUT_MS = 240_000
const WAN_DELAY_MS = 10
/** For what takes moments; a busy machine may need longer. */
const SOON = { timeoutMs: 60_000 }
/** The more a site has made, the more it borrows ahead: enough to go on alone. */
const SERVERS_PER_SITE = 3
const QUOTA = { instances: 100, cores: 200, ram: 1_000_000 }
const IMAGE_BYTES = 64 * 1024

describe('a cloud of five sites', { skip: skipWithoutRoot, timeout: 3 * TEST_TIMEOUT_MS }, () => {
  let directory: string
  let lab: Lab
  let cloud: LocalCloud
  let basics: { readonly imageId: string; readonly flavorId: string; readonly networkId: string }

  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'atoll-five-'))
    lab = await createLab({ name: NAME, hosts: SITES, wan: { delayMs: WAN_DELAY_MS } })
    const size = ['--vcpus', '16', '--ram', '32768', '--disk', '500']
    const peerOptions = ['--hypervisor', 'simulated', '--hosts', '2', ...size]
    cloud = await startLocalCloud({ name: NAME, sites: SITES, directory, lab, peerOptions })
    const connection = await cloud.connect('site1')
    basics = await makeBasics(connection)
    for (const site of SITES) {
      for (let index = 0; index < SERVERS_PER_SITE; index++)
        await makeServer(connection, `${site}-${index}`, site)
    }
  })
  after(async () => {
    await cloud?.stop()
    await lab?.destroy()
    keepLogs(NAME, directory, SITES)
    rmSync(directory, { recursive: true, force: true })
  })

  const makeServer = async (connection: Connection, name: string, availabilityZone: string) => {
    const { imageId, flavorId, networkId } = basics
    const networks = [{ uuid: networkId }]
    const { id } = await createServer(connection, { name, imageId, flavorId, networks, availabilityZone })
    return waitForStatus(connection, id, 'ACTIVE', SOON)
  }

  /** Waits until every site shows the same servers, none of them UNKNOWN, and answers with these. */
  const agreed = async (): Promise<readonly Server[]> => {
    const connections = await Promise.all(SITES.map((site) => cloud.connect(site)))
    return waitUntil({ what: 'all sites show the same servers', ...SOON }, async () => {
      const lists = await Promise.all(connections.map((connection) => listServers(connection)))
      const [first = []] = lists
      const views = new Set(lists.map((servers) => JSON.stringify(servers.map(describeServer).sort())))
      return views.size === 1 && first.every(({ status }) => status === 'ACTIVE') && first
    })
  }

  test('falls into islands that are clouds of their own, and is one again', {
    timeout: TEST_TIMEOUT_MS,
  }, async (t) => {
    const before = await agreed()
    for (const one of ISLANDS[0]) for (const other of ISLANDS[1]) await lab.wan.cut(one, other)
    const made: Server[] = []
    const removed: string[] = []
    for (const island of ISLANDS) {
      await t.test(`${island.join(', ')}: log in, list, make and delete`, async () => {
        for (const site of island) {
          const connection = await cloud.connect(site)
          await waitUntil({ what: `${site} knows whom it cannot ask`, ...SOON }, async () => {
            const servers = await listServers(connection)
            assert.equal(servers.length >= before.length - 1, true, `${site} hides servers`)
            return servers.every(
              ({ status, 'OS-EXT-AZ:availability_zone': zone = '' }) =>
                (status === 'UNKNOWN') !== (island as readonly string[]).includes(zone),
            )
          })
          made.push(await makeServer(connection, `made-alone-at-${site}`, site))
        }
        const [site] = island
        const connection = await cloud.connect(site)
        const victim = before.find((server) => server.name === `${site}-1`)
        assert.ok(victim)
        await deleteServer(connection, victim.id)
        await waitForDeletion(connection, victim.id, SOON)
        removed.push(victim.id)
      })
    }
    await t.test('after the heal all agree, and nothing healthy was touched', async () => {
      await lab.wan.heal()
      const expected = [...before, ...made].filter(({ id }) => !removed.includes(id))
      const shown = await agreed()
      assert.deepEqual(shown.map(({ id }) => id).sort(), expected.map(({ id }) => id).sort())
      const now = new Map(shown.map((server) => [server.id, describeServer(server)]))
      for (const server of expected) assert.equal(now.get(server.id), describeServer(server))
    })
  })

  test('lets a site sleep while its process is stopped, and wakes it', {
    timeout: TEST_TIMEOUT_MS,
  }, async () => {
    const sleeper = cloud.peer('site4')
    const others = SITES.filter((site) => site !== 'site4')
    const before = await agreed()
    const standings = (wanted: string) =>
      waitUntil({ what: `site4 is ${wanted} to all others`, ...SOON }, async () => {
        const all = await Promise.all(others.map((site) => cloud.peer(site).status()))
        return all.every(({ sites }) => sites.find(({ name }) => name === 'site4')?.standing === wanted)
      })
    assert.deepEqual(await askSleep(sleeper.dataDirectory), [])
    await standings('dormant')
    await sleeper.stop('SIGKILL')
    const connection = await cloud.connect('site5')
    const isOfSleeper = (server: Server) => server['OS-EXT-AZ:availability_zone'] === 'site4'
    await waitUntil({ what: 'its servers, and no others, are UNKNOWN', ...SOON }, async () =>
      (await listServers(connection)).every(
        (server) => (server.status === 'UNKNOWN') === isOfSleeper(server),
      ),
    )
    const made = await makeServer(connection, 'made-while-one-sleeps', 'site5')
    await sleeper.start()
    await standings('dormant')
    await askWake(sleeper.dataDirectory)
    await standings('member')
    const shown = await agreed()
    assert.deepEqual(shown.map(({ id }) => id).sort(), [...before, made].map(({ id }) => id).sort())
    const now = new Map(shown.map((server) => [server.id, describeServer(server)]))
    for (const server of before.filter((each) => !isOfSleeper(each)))
      assert.equal(
        now.get(server.id),
        describeServer(server),
        'nobody touches servers of those who are awake',
      )
  })
})

/** Equal as long as nobody has done anything to it. */
function describeServer({ id, status, updated = '' }: Server): string {
  return `${id} ${status} ${updated}`
}

async function makeBasics(connection: Connection) {
  await connection.request('compute', 'PUT', `/v2.1/os-quota-sets/${connection.projectId}`, {
    body: { quota_set: QUOTA },
  })
  const content = Buffer.alloc(IMAGE_BYTES, 'image')
  const image = { name: 'guest', diskFormat: 'raw', content, visibility: 'public' } as const
  const { id: imageId } = await uploadImage(connection, image)
  const { id: flavorId } = await createFlavor(connection, {
    name: 'tiny',
    vcpus: 1,
    ramMib: 192,
    diskGib: 1,
  })
  const { id: networkId } = await createNetwork(connection, { name: 'tenant' })
  await createSubnet(connection, { networkId, name: 'tenant', cidr: '10.77.0.0/24' })
  return { imageId, flavorId, networkId }
}
