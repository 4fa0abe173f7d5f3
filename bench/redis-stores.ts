/**
 * What one call of the Redis stores costs: how long commits and looks take, how many commits a second go through the one log, and
 * how many bytes each moves. Real servers on loopback, each synced to disk before it answers.
 *
 *     ./atoll bench redis-stores [--count N] [--clients 1,8,32]
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { silentLogger, systemClock, systemRandom } from '@atoll/kit'
import { type RedisServer, startRedis, startRedisCluster } from '@atoll/lab'
import { type Commit, type KeyValueStore, type Look, parseStoreUrl, type Write } from '@atoll/rome'
import { openRedis } from '@atoll/rome/redis'
import { openRedisCluster } from '@atoll/rome/redis-cluster'
import { machineLine } from './support/machine.ts'

const { values } = parseArgs({
  options: { count: { type: 'string', default: '2000' }, clients: { type: 'string', default: '1,8,32' } },
})
const count = Number(values.count)
const clients = values.clients.split(',').map(Number)

interface Setup {
  readonly name: string
  readonly nodes: readonly RedisServer[]
  readonly open: () => Promise<KeyValueStore>
  readonly stop: () => Promise<void>
}

const SETUPS: Readonly<Record<string, (directory: string) => Promise<Setup>>> = {
  Redis: (directory) => single(directory, 0),
  'Redis, 1 replica': (directory) => single(directory, 1),
  'Cluster, 3 primaries': (directory) => cluster(directory, 0),
  'Cluster, 3 + 3': (directory) => cluster(directory, 1),
}

async function single(directory: string, replicas: number): Promise<Setup> {
  const primary = await startRedis({ directory: join(directory, 'primary') })
  const nodes = [primary]
  if (replicas > 0)
    nodes.push(await startRedis({ directory: join(directory, 'replica'), replicaOf: primary }))
  const url = parseStoreUrl(`${primary.url}?replicas=${replicas}`)
  return {
    name: 'redis',
    nodes,
    open: () => openRedis({ url, ...world, patienceMs: 20_000 }),
    stop: async () => {
      for (const node of nodes.reverse()) await node.stop()
    },
  }
}

async function cluster(directory: string, replicas: number): Promise<Setup> {
  const started = await startRedisCluster({ directory, replicas })
  const url = parseStoreUrl(`${started.url}?replicas=${replicas}`)
  return {
    name: 'cluster',
    nodes: started.nodes,
    open: () => openRedisCluster({ url, ...world, patienceMs: 20_000 }),
    stop: () => started.stop(),
  }
}

const world = { clock: systemClock, random: systemRandom, log: silentLogger }

/** As the creation of a server writes: three rows with 700 bytes, nine entries of indexes, a number in each row's index. */
function creation(id: string, after: number): Commit {
  const key = `\x04${id}\x00`
  const index = (space: string, of: string, isNumbered = false): Write => ({
    space,
    key: `${of}${key}\x00${String.fromCharCode(key.length)}`,
    value: '',
    holes: isNumbered ? [{ in: 'key', offset: of.length - 8, number: 0 }] : [],
  })
  const row = (space: string, length: number): Write => ({ space, key, value: 'x'.repeat(length), holes: [] })
  const project = '\x04f3b1d7c09a5e4c1d8b7a6f5e4d3c2b1a\x00'
  return {
    id,
    after,
    reads: {
      keys: ['servers', 'ports', 'quotas', 'networks', 'flavors'].map((space) => ({ space, key })),
      ranges: [{ space: 'ports(network_id,address)', from: `${id}a`, to: `${id}b` }],
    },
    writes: [
      row('servers', 420),
      row('ports', 240),
      row('quotas', 40),
      index('servers(home,seq)', `\x04east\x00${' '.repeat(8)}`, true),
      index('servers(project_id)', project),
      index('servers(host)', '\x04host-17\x00'),
      index('ports(home,seq)', `\x04east\x00${' '.repeat(8)}`, true),
      index('ports(server_id)', key),
      index('ports(network_id,address)', id),
      index('ports(project_id)', project),
      index('quotas(home,seq)', `\x04east\x00${' '.repeat(8)}`, true),
      index('quotas(project_id)', project),
    ],
    numbers: 1,
    changes: [
      { table: 'servers', id },
      { table: 'ports', id },
    ],
  }
}

const uuid = () => Buffer.from(systemRandom.bytes(16)).toString('hex')

async function commits(store: KeyValueStore, times: number, samples: number[]): Promise<void> {
  let after = (await store.look({ after: null, keys: [], ranges: [] })).position
  for (let done = 0; done < times; done++) {
    const startMs = performance.now()
    const outcome = await store.commit(creation(uuid(), after))
    samples.push(performance.now() - startMs)
    after = outcome.position
  }
}

async function looks(store: KeyValueStore, look: (after: number) => Look, samples: number[]): Promise<void> {
  let after = (await store.look({ after: null, keys: [], ranges: [] })).position
  for (let done = 0; done < count; done++) {
    const startMs = performance.now()
    after = (await store.look(look(after))).position
    samples.push(performance.now() - startMs)
  }
}

async function bytesOf(nodes: readonly RedisServer[]): Promise<number> {
  const stats = await Promise.all(nodes.map((node) => node.command('INFO', 'stats')))
  const of = (text: string, name: string) => Number(new RegExp(`${name}:(\\d+)`).exec(text)?.[1] ?? 0)
  return stats.reduce(
    (sum, text) => sum + of(text, 'total_net_input_bytes') + of(text, 'total_net_output_bytes'),
    0,
  )
}

async function measure(
  what: string,
  nodes: readonly RedisServer[],
  work: (samples: number[]) => Promise<void>,
) {
  const samples: number[] = []
  const before = await bytesOf(nodes)
  const startMs = performance.now()
  await work(samples)
  const tookMs = performance.now() - startMs
  const bytes = ((await bytesOf(nodes)) - before) / samples.length
  samples.sort((left, right) => left - right)
  const at = (part: number) => (samples[Math.floor(samples.length * part)] ?? 0).toFixed(2).padStart(7)
  const perSecond = Math.round((samples.length / tookMs) * 1000)
  console.log(
    `  ${what.padEnd(30)} ${String(perSecond).padStart(6)}/s   p50 ${at(0.5)}   p90 ${at(0.9)}   p99 ${at(0.99)} ms   ${Math.round(bytes)} bytes`,
  )
}

console.log(machineLine())
for (const [name, start] of Object.entries(SETUPS)) {
  const directory = mkdtempSync(join(tmpdir(), 'atoll-bench-'))
  const setup = await start(directory)
  const stores: KeyValueStore[] = []
  try {
    console.log(name)
    for (let index = 0; index < Math.max(...clients); index++) stores.push(await setup.open())
    const [first] = stores as [KeyValueStore]
    await commits(first, 200, [])
    for (const number of clients)
      await measure(`commits by ${number}`, setup.nodes, async (samples) => {
        const each = Math.ceil(count / number)
        await Promise.all(stores.slice(0, number).map((store) => commits(store, each, samples)))
      })
    await measure('looks for news', setup.nodes, (samples) =>
      looks(first, (after) => ({ after, keys: [], ranges: [] }), samples),
    )
    const key = `\x04${'0'.repeat(32)}\x00`
    const keys = Array.from({ length: 3 }, () => ({ space: 'servers', key }))
    await measure('looks for 3 rows', setup.nodes, (samples) =>
      looks(first, (after) => ({ after, keys, ranges: [] }), samples),
    )
    const range = {
      space: 'servers(home,seq)',
      from: '\x04east\x00',
      to: '\x04east\x01',
      limit: 20,
      isReversed: true,
    }
    await measure('looks for 20 rows by an index', setup.nodes, (samples) =>
      looks(first, (after) => ({ after, keys: [], ranges: [{ ...range, rowsOf: 'servers' }] }), samples),
    )
  } finally {
    for (const store of stores) await store.close()
    await setup.stop()
    rmSync(directory, { recursive: true, force: true })
  }
}
