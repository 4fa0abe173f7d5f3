/** kill -9 of a peer in the middle of 200 creates, on simulated hosts that just hold them: nothing acknowledged is lost. */

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { startLocalCloud } from '@atoll/cli'
import {
  type Connection,
  createFlavor,
  createNetwork,
  createServer,
  createSubnet,
  listServers,
  type Server,
  uploadImage,
  waitUntil,
} from '@atoll/sdk'

const CREATES = 200
const CONCURRENCY = 20
const KILL_AFTER = 80
/** Room for 21 servers on each host, 210 in all: every host is nearly full at the end. */
const HOSTS = 10
const HOST_RAM_MIB = 4096
const SERVER_RAM_MIB = 192
const TEST_TIMEOUT_MS = 180_000

interface Hypervisor {
  readonly hypervisor_hostname: string
  readonly memory_mb: number
  readonly memory_mb_used: number
}

const hostOf = (server: Server) => server['OS-EXT-SRV-ATTR:hypervisor_hostname'] ?? ''

test('kill -9 in the middle of 200 creates loses nothing that was acknowledged', {
  timeout: TEST_TIMEOUT_MS,
}, async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'atoll-test-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  const hosts = ['--hosts', `${HOSTS}`, '--ram', `${HOST_RAM_MIB}`, '--vcpus', '16']
  const peerOptions = ['--hypervisor', 'simulated', ...hosts]
  await using cloud = await startLocalCloud({ name: 'test-kill', sites: ['one'], directory, peerOptions })
  const connection = await cloud.connect('one')
  const make = await prepare(connection)

  const acknowledged = await createUntilKilled(make, () => void cloud.peer('one').stop('SIGKILL'))
  assert.ok(acknowledged.length >= KILL_AFTER && acknowledged.length < CREATES, `${acknowledged.length}`)
  await cloud.peer('one').stop('SIGKILL')
  await cloud.peer('one').start()

  const wait = { what: 'every acknowledged server is ACTIVE', timeoutMs: 90_000, intervalMs: 500 }
  const servers = await waitUntil(wait, async () => {
    const listed = await listServers(connection)
    const ids = new Set(listed.map(({ id }) => id))
    for (const id of acknowledged) assert.ok(ids.has(id), `the acknowledged server ${id} is listed`)
    assert.deepEqual(
      listed.filter(({ status }) => status === 'ERROR').map(({ fault }) => fault),
      [],
    )
    return listed.every(({ status }) => status === 'ACTIVE') && listed
  })
  await assertNoneOvercommitted(connection, servers)
})

/** Raises the quota and returns how to make one server. */
async function prepare(connection: Connection): Promise<() => Promise<string>> {
  const quota = { quota_set: { instances: -1, cores: -1, ram: -1 } }
  await connection.request('compute', 'PUT', `/v2.1/os-quota-sets/${connection.projectId}`, { body: quota })
  const content = randomBytes(1 << 20)
  const image = await uploadImage(connection, { name: 'any', diskFormat: 'raw', content })
  const size = { vcpus: 1, ramMib: SERVER_RAM_MIB, diskGib: 1 }
  const flavor = await createFlavor(connection, { name: 'tiny', ...size })
  const network = await createNetwork(connection, { name: 'wide' })
  await createSubnet(connection, { networkId: network.id, name: 'wide', cidr: '10.80.0.0/20' })
  const common = { imageId: image.id, flavorId: flavor.id, networks: [{ uuid: network.id }] }
  return async () => (await createServer(connection, { name: 'many', ...common })).id
}

/** Ids that were acknowledged, those after the kill included whose answers were under way. */
async function createUntilKilled(make: () => Promise<string>, kill: () => void): Promise<readonly string[]> {
  const acknowledged: string[] = []
  let [asked, isKilled] = [0, false]
  const work = async () => {
    while (asked < CREATES && !isKilled) {
      asked++
      try {
        acknowledged.push(await make())
      } catch (error) {
        // Only the kill may refuse: before it, every create must succeed.
        if (!isKilled) throw error
      }
      if (acknowledged.length >= KILL_AFTER && !isKilled) {
        isKilled = true
        kill()
      }
    }
  }
  await Promise.all(Array.from({ length: CONCURRENCY }, work))
  return acknowledged
}

async function assertNoneOvercommitted(connection: Connection, servers: readonly Server[]): Promise<void> {
  const byHost = Map.groupBy(servers, hostOf)
  const options = { microversion: '2.53' }
  const path = '/v2.1/os-hypervisors/detail'
  const { hypervisors } = await connection.get<{ hypervisors: readonly Hypervisor[] }>(
    'compute',
    path,
    options,
  )
  assert.equal(hypervisors.length, HOSTS)
  for (const { hypervisor_hostname: host, memory_mb, memory_mb_used } of hypervisors) {
    const claimed = (byHost.get(host)?.length ?? 0) * SERVER_RAM_MIB
    assert.equal(memory_mb_used, claimed, `${host} counts what its servers take`)
    assert.ok(claimed <= memory_mb, `${host} is not over-committed: ${claimed} of ${memory_mb} MiB`)
  }
}
