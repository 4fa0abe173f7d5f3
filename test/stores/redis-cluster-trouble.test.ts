import assert from 'node:assert/strict'
import { after, before, describe, type TestContext, test } from 'node:test'
import { seededRandom } from '@atoll/kit'
import { type RedisCluster, type RedisServer, redisPackages, startRedisCluster } from '@atoll/lab'
import { type KeyValueStore, StoreMisconfigured, StoreUnavailable } from '@atoll/rome'
import { openRedisCluster, type RedisClusterOptions } from '@atoll/rome/redis-cluster'
import { eventually } from './eventually.ts'
import { History } from './history.ts'
import { clientOptions, freshUrl } from './redis-harness.ts'
import { serverDirectory, whyNoServers } from './store-servers.ts'

const SEED = Number(process.env.SEED ?? 1)
const skip = await whyNoServers(redisPackages)
const place = serverDirectory()
let cluster: RedisCluster

before(async () => {
  if (!skip) cluster = await startRedisCluster({ directory: place.directory })
})
after(async () => {
  await cluster?.stop()
  place.remove()
})

async function clientOf(
  t: TestContext,
  url: string,
  options: Partial<RedisClusterOptions> = {},
): Promise<KeyValueStore> {
  const store = await openRedisCluster({ ...clientOptions(url), ...options })
  t.after(() => store.close())
  return store
}

/** The keys of a namespace, with the node that has each. */
async function keysOf(url: string): Promise<readonly (readonly [node: RedisServer, key: string])[]> {
  const namespace = new URLSearchParams(url.split('?')[1]).get('namespace')
  const found = await Promise.all(
    cluster.nodes.map(async (node) => {
      const keys = await node.command('KEYS', `{${namespace}*`)
      return keys.split('\n').flatMap((key) => (key ? [[node, key] as const] : []))
    }),
  )
  return found.flat()
}

/** Moves one slot with all that is in it, as `redis-cli --cluster reshard` does. */
async function moveSlot(slot: string, from: RedisServer, to: RedisServer): Promise<void> {
  const [fromId, toId] = await Promise.all(
    [from, to].map(async (node) => (await node.command('CLUSTER', 'MYID')).trim()),
  )
  await to.command('CLUSTER', 'SETSLOT', slot, 'IMPORTING', fromId ?? '')
  await from.command('CLUSTER', 'SETSLOT', slot, 'MIGRATING', toId ?? '')
  for (;;) {
    const [key] = (await from.command('CLUSTER', 'GETKEYSINSLOT', slot, '1')).trim().split('\n')
    if (!key) break
    await from.command('MIGRATE', to.address, String(to.port), key, '0', '10000')
  }
  for (const node of [to, from]) await node.command('CLUSTER', 'SETSLOT', slot, 'NODE', toId ?? '')
}

const row = (value: string, after: number, key = 'k') => ({
  id: `${process.pid} ${value} ${after}`,
  after,
  reads: { keys: [], ranges: [] },
  writes: [{ space: 'a', key, value, holes: [] }],
  numbers: 0,
  changes: [],
})

describe('trouble with a cluster', { skip }, () => {
  test(`its slots move to other nodes while clients work (SEED=${SEED})`, async (t) => {
    const url = freshUrl(cluster.url, '&shards=4')
    const stores = [await clientOf(t, url), await clientOf(t, url), await clientOf(t, url)]
    const history = new History()
    await history.begin(stores[0] as KeyValueStore)
    let isOver = false
    const working = Promise.all(
      stores.map((store, index) => history.work(store, () => isOver, seededRandom(`${SEED} ${index}`))),
    )
    const moved = new Set<string>()
    try {
      await eventually('shards have rows', async () => (await keysOf(url)).length > 12)
      for (const [node, key] of await keysOf(url)) {
        const slot = (await node.command('CLUSTER', 'KEYSLOT', key)).replace(/\D/g, '')
        if (moved.has(slot)) continue
        moved.add(slot)
        const to = cluster.nodes[(cluster.nodes.indexOf(node) + 1) % 3] as RedisServer
        await moveSlot(slot, node, to)
        const goal = history.counts.acknowledged + 20
        await Promise.race([working, eventually('commits go on', () => history.counts.acknowledged >= goal)])
      }
    } finally {
      isOver = true
      await working
    }
    assert.equal(moved.size, 5, 'the slots of the log and of each shard')
    await history.prove(await clientOf(t, url))
    t.diagnostic(JSON.stringify(history.counts))
  })

  test('a cluster that was emptied makes its clients forget, and begins anew', async (t) => {
    const url = freshUrl(cluster.url)
    const store = await clientOf(t, url, { catchUpBatch: 0 })
    for (const position of [0, 1]) await store.commit(row('value', position))
    for (const [node, key] of await keysOf(url)) await node.command('DEL', key)
    const look = { after: 2, keys: [{ space: 'a', key: 'k' }], ranges: [] }
    const sight = await store.look(look)
    assert.deepEqual([sight.position, sight.entries, sight.values], [0, null, [null]])
    assert.equal((await store.commit(row('new', 0))).kind, 'committed')
    assert.deepEqual((await store.look({ ...look, after: 1 })).values, ['new'])
  })

  test('a shard that has lost what it had gets it back from the log, as long as that is there', async (t) => {
    const url = freshUrl(cluster.url)
    const store = await clientOf(t, url, { catchUpBatch: 0 })
    for (let position = 0; position < 9; position++)
      await store.commit(row('value', position, `k${position}`))
    for (const [node, key] of await keysOf(url))
      if (!/\}(meta|log|spaces)$/.test(key)) await node.command('DEL', key)
    const keys = Array.from({ length: 9 }, (_, index) => ({ space: 'a', key: `k${index}` }))
    const other = await clientOf(t, url)
    assert.deepEqual(
      new Set((await other.look({ after: null, keys, ranges: [] })).values),
      new Set(['value']),
    )
  })

  test('a shard that has lost what the log has no more is told, and nothing is made up', async (t) => {
    const url = freshUrl(cluster.url)
    const retention = { entriesMax: 2, bytesMax: 1 << 20 }
    const store = await clientOf(t, url, { catchUpBatch: 0, retention })
    for (let position = 0; position < 9; position++) await store.commit(row('value', position))
    for (const [node, key] of await keysOf(url))
      if (!/\}(meta|log|spaces)$/.test(key)) await node.command('DEL', key)
    const other = await clientOf(t, url, { retention })
    const look = { after: null, keys: [{ space: 'a', key: 'k' }], ranges: [] }
    await assert.rejects(other.look(look), StoreUnavailable.is)
  })

  test('a log that was lost without its shards is told, and nothing is made up', async (t) => {
    const url = freshUrl(cluster.url)
    const store = await clientOf(t, url, { catchUpBatch: 0 })
    for (let position = 0; position < 9; position++)
      await store.commit(row('value', position, `k${position}`))
    for (const [node, key] of await keysOf(url))
      if (/\}(meta|log|spaces)$/.test(key)) await node.command('DEL', key)
    const keys = Array.from({ length: 9 }, (_, index) => ({ space: 'a', key: `k${index}` }))
    await assert.rejects(store.look({ after: null, keys, ranges: [] }), StoreMisconfigured.is)
  })

  test('a node that is gone costs its part only until it is back', async (t) => {
    const url = freshUrl(cluster.url, '&shards=3')
    const store = await clientOf(t, url, { catchUpBatch: 0, patienceMs: 10_000 })
    await store.commit(row('value', 0))
    const log = (await keysOf(url)).find(([, key]) => key.endsWith('}log'))?.[0]
    const index = cluster.nodes.findIndex((node) => node !== log)
    await cluster.nodes[index]?.kill()
    const looking = store.look({ after: null, keys: [{ space: 'a', key: 'k' }], ranges: [] })
    await cluster.restart(index)
    assert.deepEqual((await looking).values, ['value'])
  })
})
