/**
 * Five sites as processes, one of which has no way to the others for 72 hours by the time of day: what `test/scenarios` simulates over many
 * seeds, once for real. The days pass in three leaps, between which people work on both sides.
 */

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type LocalCloud, startLocalCloud } from '@atoll/cli'
import { createLab, type Lab, missingPackages } from '@atoll/lab'
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
import { type LeapingClock, leapingClockPackages, withLeapingClock } from '../support/leaping-clock.ts'

const NAME = 'test-long-cut'
const LONELY = 'site5'
const OTHERS = ['site1', 'site2', 'site3', 'site4'] as const
const SITES = [...OTHERS, LONELY] as const
/** Where people work on the one side, and on the other. */
const SIDES = ['site2', LONELY] as const
const DAYS = 3
const TEST_TIMEOUT_MS = 240_000
const WAN_DELAY_MS = 10
/** For what takes moments; a busy machine may need longer. */
const SOON = { timeoutMs: 60_000 }
/** The more a site has made, the more it borrows ahead: enough to go on alone. */
const SERVERS_PER_SITE = 3

const missing = skipWithoutRoot === false ? await missingPackages(leapingClockPackages) : []
const skip = missing.length > 0 ? `not installed: ${missing.join(' ')}` : skipWithoutRoot

describe('a cloud of five sites of which one is cut off for 72 hours', {
  skip,
  timeout: TEST_TIMEOUT_MS,
}, () => {
  let directory: string
  let lab: Lab
  let clock: LeapingClock
  let cloud: LocalCloud
  let makeAt: (site: string, name: string) => Promise<Server>

  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'atoll-long-'))
    lab = await createLab({ name: NAME, hosts: SITES, wan: { delayMs: WAN_DELAY_MS } })
    clock = withLeapingClock(lab, directory)
    const size = ['--vcpus', '16', '--ram', '32768', '--disk', '500']
    const peerOptions = ['--hypervisor', 'simulated', '--hosts', '2', ...size]
    cloud = await startLocalCloud({ name: NAME, sites: SITES, directory, lab: clock.lab, peerOptions })
    const basics = await makeBasics(await cloud.connect('site1'))
    makeAt = async (site, name) => {
      const connection = await cloud.connect(site)
      const { id } = await createServer(connection, { ...basics, name, availabilityZone: site })
      return waitForStatus(connection, id, 'ACTIVE', SOON)
    }
    for (const site of SITES)
      for (let index = 0; index < SERVERS_PER_SITE; index++) await makeAt(site, `${site}-${index}`)
  })
  after(async () => {
    await cloud?.stop()
    await lab?.destroy()
    keepLogs(NAME, directory, SITES)
    rmSync(directory, { recursive: true, force: true })
  })

  /** Waits until every site shows the same servers, all of them ACTIVE, and answers with these. */
  const agreed = () =>
    waitUntil({ what: 'all sites show the same servers', ...SOON }, async () => {
      const connections = await Promise.all(SITES.map((site) => cloud.connect(site)))
      const lists = await Promise.all(connections.map((connection) => listServers(connection)))
      const [first = []] = lists
      const views = new Set(lists.map((servers) => JSON.stringify(servers.map(describeServer).sort())))
      return views.size === 1 && first.every(({ status }) => status === 'ACTIVE') && first
    })

  const deleteAt = async (site: string, { id }: Server) => {
    const connection = await cloud.connect(site)
    await deleteServer(connection, id)
    await waitForDeletion(connection, id, SOON)
  }

  test('each side works, tokens expire, and then all agree', { timeout: TEST_TIMEOUT_MS }, async (t) => {
    const before = await agreed()
    for (const other of OTHERS) await lab.wan.cut(LONELY, other)
    const made: Server[] = []
    const removed: Server[] = []
    for (const site of SIDES)
      await t.test(`${site} makes and deletes, and knows whom it cannot ask`, async () => {
        const connection = await cloud.connect(site)
        await waitUntil({ what: 'the other side is UNKNOWN', ...SOON }, async () =>
          (await listServers(connection)).every(
            ({ status, 'OS-EXT-AZ:availability_zone': zone }) =>
              (status === 'UNKNOWN') === ((zone === LONELY) !== (site === LONELY)),
          ),
        )
        made.push(await makeAt(site, `made-at-${site}`))
        const victim = before.find(({ name }) => name === `${site}-1`)
        assert.ok(victim)
        await deleteAt(site, victim)
        removed.push(victim)
      })
    for (let day = 1; day <= DAYS; day++)
      await t.test(`day ${day}: old tokens are refused, and people log in anew and work`, async () => {
        const tokens = await Promise.all(SITES.map(async (site) => (await cloud.connect(site)).token))
        const ask = async (site: string, token: string) => {
          const headers = { 'x-auth-token': token }
          return (await fetch(`${cloud.peer(site).apiUrl}/compute/v2.1/servers`, { headers })).status
        }
        for (const [index, site] of SITES.entries()) assert.equal(await ask(site, tokens[index] ?? ''), 200)
        clock.leap(24)
        for (const site of SITES)
          await waitUntil({ what: `${site} refuses all tokens of yesterday`, ...SOON }, async () => {
            const answers = await Promise.all(tokens.map((token) => ask(site, token)))
            return answers.every((status) => status === 401)
          })
        for (const site of SIDES) {
          const today = await makeAt(site, `day-${day}-at-${site}`)
          const yesterday = made.findLast(({ name }) => name === `day-${day - 1}-at-${site}`)
          if (yesterday) await deleteAt(site, yesterday)
          if (yesterday) removed.push(yesterday)
          made.push(today)
        }
      })
    await t.test('after the heal all agree, and nothing healthy was touched', async () => {
      await lab.wan.heal()
      const expected = [...before, ...made].filter(({ id }) => !removed.some((gone) => gone.id === id))
      const shown = await agreed()
      assert.deepEqual(shown.map(({ id }) => id).sort(), expected.map(({ id }) => id).sort())
      const now = new Map(shown.map((server) => [server.id, describeServer(server)]))
      for (const server of expected) assert.equal(now.get(server.id), describeServer(server))
      for (const { certificates } of await Promise.all(SITES.map((site) => cloud.peer(site).status())))
        assert.ok(Date.parse(certificates?.peerEndsAt ?? '') - Date.now() > DAYS * 24 * 3_600_000)
      const latestMs = Math.max(...shown.map(({ updated = '' }) => Date.parse(updated)))
      assert.ok(
        latestMs - Date.now() > (DAYS * 24 - 1) * 3_600_000,
        'the time of day of the sites did not leap',
      )
    })
    await t.test('a server of one side is deleted through the other', async () => {
      await deleteAt('site3', await makeAt(LONELY, 'after-the-heal'))
    })
  })
})

/** Equal as long as nobody has done anything to it. */
function describeServer({ id, status, updated = '' }: Server): string {
  return `${id} ${status} ${updated}`
}

async function makeBasics(connection: Connection) {
  await connection.request('compute', 'PUT', `/v2.1/os-quota-sets/${connection.projectId}`, {
    body: { quota_set: { instances: 100, cores: 200, ram: 1_000_000 } },
  })
  const content = Buffer.alloc(64 * 1024, 'image')
  const image = { name: 'guest', diskFormat: 'raw', content, visibility: 'public' } as const
  const { id: imageId } = await uploadImage(connection, image)
  const flavor = { name: 'tiny', vcpus: 1, ramMib: 192, diskGib: 1 }
  const { id: flavorId } = await createFlavor(connection, flavor)
  const { id: networkId } = await createNetwork(connection, { name: 'tenant' })
  await createSubnet(connection, { networkId, name: 'tenant', cidr: '10.77.0.0/24' })
  return { imageId, flavorId, networks: [{ uuid: networkId }] }
}
