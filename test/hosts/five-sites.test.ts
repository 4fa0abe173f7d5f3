/**
 * Five sites as processes on a WAN, with hosts that pretend: the cloud falls into islands and is one again, a site sleeps with
 * its process stopped, and the founder is lost and retired. What `test/scenarios` simulates over many seeds, once for real.
 */

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { askRetirement, askSleep, askWake, atollArguments } from '@atoll/cli'
import {
  type Connection,
  createNetwork,
  createPort,
  createSubnet,
  deleteServer,
  listServers,
  type Network,
  type Server,
  waitForDeletion,
  waitForStatus,
  waitUntil,
} from '@atoll/sdk'
import {
  describeAll,
  describeServer,
  type FiveSites,
  idsOf,
  openFiveSites,
  QUOTA,
  RAM_MIB,
  SITES,
  SOON,
  setQuota,
} from '../support/five-sites.ts'
import { skipWithoutRoot } from '../support/lab-cloud.ts'

const NAME = 'test-five-sites'
const ISLANDS = [
  ['site1', 'site2'],
  ['site3', 'site4', 'site5'],
] as const
/** The founder, as everything that the whole cloud shares is at home there. */
const LOST = 'site1'
const LIVING = SITES.filter((site) => site !== LOST)
const OPERATOR = 'site2'
const TEST_TIMEOUT_MS = 240_000

describe('a cloud of five sites', { skip: skipWithoutRoot, timeout: 4 * TEST_TIMEOUT_MS }, () => {
  let five: FiveSites
  let lab: FiveSites['lab']
  let cloud: FiveSites['cloud']
  let connectAll: FiveSites['connectAll']
  let makeServer: FiveSites['makeServer']
  let agreed: FiveSites['agreed']

  before(async () => {
    five = await openFiveSites({ name: NAME })
    ;({ lab, cloud, connectAll, makeServer, agreed } = five)
  })
  after(() => five?.close())

  /** How the living see the lost site. */
  const viewsOfLost = () =>
    Promise.all(
      LIVING.map(async (site) => {
        const { sites } = await cloud.peer(site).status()
        const view = sites.find(({ name }) => name === LOST)
        assert.ok(view, `${site} has forgotten ${LOST}`)
        return view
      }),
    )

  /** Waits until all living sites count so many servers, each of one flavor. */
  const usageIs = async (instances: number) => {
    const connections = await connectAll(LIVING)
    await waitUntil({ what: `${instances} servers are in use`, ...SOON }, async () => {
      const usages = await Promise.all(connections.map(usageOf))
      return usages.every((usage) => usage === `${instances} ${instances} ${instances * RAM_MIB}`)
    })
  }

  /** Waits until all living sites show the network by this name, or not at all. */
  const networkIs = async (id: string, name: string | undefined) => {
    const connections = await connectAll(LIVING)
    await waitUntil({ what: `network ${id} is ${name}`, ...SOON }, async () => {
      const names = await Promise.all(connections.map((connection) => networkName(connection, id)))
      return names.every((each) => each === name)
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
      assert.deepEqual(idsOf(shown), idsOf(expected))
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
    assert.deepEqual(idsOf(shown), idsOf([...before, made]))
    const now = new Map(shown.map((server) => [server.id, describeServer(server)]))
    for (const server of before.filter((each) => !isOfSleeper(each)))
      assert.equal(
        now.get(server.id),
        describeServer(server),
        'nobody touches servers of those who are awake',
      )
  })

  // Last, since it costs the cloud a site.
  test('loses its founder for good, and retires it', { timeout: TEST_TIMEOUT_MS }, async (t) => {
    const founder = await cloud.connect(LOST)
    const { id: networkId } = await createNetwork(founder, { name: 'at-home' })
    await createSubnet(founder, { networkId, name: 'at-home', cidr: '10.78.0.0/24' })
    await makeServer(founder, 'on-its-own-network', LOST, networkId)
    await networkIs(networkId, 'at-home')
    const before = await agreed()
    const isOfLost = (server: Server) => server['OS-EXT-AZ:availability_zone'] === LOST
    const [lost, others] = [before.filter(isOfLost), before.filter((server) => !isOfLost(server))]
    await usageIs(before.length)

    const { dataDirectory } = cloud.peer(OPERATOR)
    const request = { site: LOST, reason: 'burnt down' }
    await assert.rejects(askRetirement(dataDirectory, request), /it answers/)
    await cloud.peer(LOST).stop('SIGKILL')
    await waitUntil({ what: 'nobody reaches the lost site', ...SOON }, async () =>
      (await viewsOfLost()).every(({ isReachable }) => !isReachable),
    )
    const { heir, silent } = await askRetirement(dataDirectory, request)
    assert.deepEqual(silent, [])
    const third = LIVING.find((site) => site !== heir && site !== OPERATOR)
    assert.ok(third)
    const connection = await cloud.connect(third)
    const isRetired = async () =>
      (await viewsOfLost()).every(
        ({ standing, guardians, isReachable, hosts, servers }) =>
          standing === 'retired' && guardians.join() === heir && !isReachable && hosts + servers === 0,
      )

    await t.test('all others agree that it is, and on the heir, who takes over all that it had', async () => {
      assert.ok(LIVING.some((site) => site === heir))
      await waitUntil({ what: 'everybody knows the heir', ...SOON }, isRetired)
      await waitUntil({ what: 'no record is left', ...SOON }, async () => {
        const { sites } = await cloud.peer(heir).status()
        return sites.find(({ name }) => name === LOST)?.recordsLeft === 0
      })
    })

    await t.test('its servers are in ERROR and count, until their owner deletes them anywhere', async () => {
      const living = await connectAll(LIVING)
      for (const { id } of lost) {
        const shown = await Promise.all(living.map((each) => waitForStatus(each, id, 'ERROR', SOON)))
        for (const { fault } of shown) assert.match(fault?.message ?? '', /is lost/)
      }
      await usageIs(before.length)
      for (const [index, { id }] of lost.entries()) {
        const anywhere = living[index % living.length]
        assert.ok(anywhere)
        await deleteServer(anywhere, id)
      }
      assert.deepEqual(describeAll(await agreed(LIVING)), describeAll(others))
      await usageIs(others.length)
    })

    await t.test('what was at home there is written, used and deleted through a third site', async () => {
      await setQuota(connection, { ...QUOTA, instances: QUOTA.instances + 1 })
      const body = { network: { name: 'inherited' } }
      await connection.request('network', 'PUT', `/v2.0/networks/${networkId}`, { body })
      await networkIs(networkId, 'inherited')
      const port = await createPort(connection, { networkId, name: 'after' })
      const { id } = await makeServer(connection, 'made-after-it', third, networkId)
      await usageIs(others.length + 1)
      await deleteServer(connection, id)
      await waitForDeletion(connection, id, SOON)
      await connection.request('network', 'DELETE', `/v2.0/ports/${port.id}`)
      await connection.request('network', 'DELETE', `/v2.0/networks/${networkId}`)
      await networkIs(networkId, undefined)
      await usageIs(others.length)
    })

    await t.test('no project can be kept there any more', async () => {
      const keepAt = (name: string, sites: string) =>
        connection.post('identity', '/v3/projects', { project: { name, 'atoll:sites': sites } })
      await assert.rejects(keepAt('too-late', `${LOST},${third}`), /There is no site "site1"/)
      await keepAt('in-time', third)
    })

    await t.test('when it is back nobody hears it, and it says so', async () => {
      const exile = cloud.peer(LOST)
      await exile.start()
      const alone = await exile.connect(cloud.adminPassword)
      const unheard = await createNetwork(alone, { name: 'by-who-was-retired' })
      await waitUntil({ what: 'all others have refused it', ...SOON }, async () => {
        const { shutOutBy } = await exile.status()
        return shutOutBy.toSorted().join() === LIVING.join()
      })
      const { stdout } = await promisify(execFile)(process.execPath, [
        ...atollArguments,
        ...['status', '--data', exile.dataDirectory],
      ])
      assert.match(stdout, /THIS SITE WAS SHUT OUT OF THE CLOUD/)
      assert.match(readFileSync(exile.logPath, 'utf8'), /this site was shut out/)
      const { status } = await fetch(`${cloud.peer(third).apiUrl}/compute/v2.1/servers`, {
        headers: { 'x-auth-token': alone.token },
      })
      assert.equal(status, 401, 'its tokens are worth something')
      // What is news among the living passes, and nothing of it with that.
      const made = await makeServer(connection, 'made-while-it-runs', third)
      assert.deepEqual(describeAll(await agreed(LIVING)), describeAll([...others, made]))
      // A peer that starts asks everybody at once, also whom the others have long ceased to ask.
      await cloud.peer(heir).stop('SIGKILL')
      await cloud.peer(heir).start()
      await waitUntil({ what: 'the heir has heard all others', ...SOON }, async () => {
        const { sites } = await cloud.peer(heir).status()
        return sites.every(({ name, isReachable }) => isReachable || name === LOST)
      })
      assert.deepEqual(idsOf(await agreed(LIVING)), idsOf([...others, made]))
      for (const living of await connectAll(LIVING))
        assert.equal(await networkName(living, unheard.id), undefined, 'what it wrote is heard')
      assert.ok(await isRetired())
      // It goes on alone with what it has.
      assert.equal(await networkName(alone, unheard.id), 'by-who-was-retired')
      await waitUntil({ what: 'its own servers, and no others, run there', ...SOON }, async () => {
        const running = (await listServers(alone)).filter(({ status }) => status === 'ACTIVE')
        return idsOf(running).join() === idsOf(lost).join()
      })
    })
  })
})

/** Of instances, cores and memory. */
async function usageOf(connection: Connection): Promise<string> {
  const path = `/v2.1/os-quota-sets/${connection.projectId}/detail`
  type Detail = Record<'instances' | 'cores' | 'ram', { readonly in_use: number }>
  const { instances, cores, ram } = (await connection.get<{ quota_set: Detail }>('compute', path)).quota_set
  return `${instances.in_use} ${cores.in_use} ${ram.in_use}`
}

/** As the site itself knows it; undefined where there is no such network. */
async function networkName(connection: Connection, id: string): Promise<string | undefined> {
  type Networks = { readonly networks: readonly Network[] }
  const { networks } = await connection.get<Networks>('network', '/v2.0/networks')
  return networks.find((network) => network.id === id)?.name
}
