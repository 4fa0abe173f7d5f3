import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { seededRandom } from '@atoll/kit'
import { type RedisCluster, type RedisServer, redisPackages, startRedisCluster } from '@atoll/lab'
import type { KeyValueStore } from '@atoll/rome'
import { openRedisCluster } from '@atoll/rome/redis-cluster'
import { eventually } from './eventually.ts'
import { History } from './history.ts'
import { clientOptions, freshUrl } from './redis-harness.ts'
import { serverDirectory, whyNoServers } from './store-servers.ts'

const SEED = Number(process.env.SEED ?? 1)
const CLIENTS = 4
/** Commits that must be acknowledged after each blow. */
const COMMITS = 40

const skip = await whyNoServers(redisPackages)
const place = serverDirectory()
let cluster: RedisCluster

before(async () => {
  if (skip) return
  cluster = await startRedisCluster({
    directory: place.directory,
    replicas: 1,
    settings: { 'cluster-node-timeout': '1000' },
  })
})
after(async () => {
  await cluster?.stop()
  place.remove()
})

const open = (url: string) => openRedisCluster({ ...clientOptions(url), catchUpBatch: 4, patienceMs: 8000 })

/** Clients that work on one store while `blows` are dealt, and the proof of what they saw. */
async function survives(blows: (progress: () => Promise<void>) => Promise<void>): Promise<string> {
  const url = freshUrl(cluster.url, '&shards=4')
  const stores: KeyValueStore[] = []
  for (let count = 0; count < CLIENTS; count++) stores.push(await open(url))
  const history = new History()
  await history.begin(stores[0] as KeyValueStore)
  let isOver = false
  const working = stores.map((store, index) =>
    history.work(store, () => isOver, seededRandom(`${SEED} ${index}`)),
  )
  const failed = Promise.all(working)
  const progress = async () => {
    const goal = history.counts.acknowledged + COMMITS
    await Promise.race([failed, eventually('commits go on', () => history.counts.acknowledged >= goal)])
  }
  try {
    await progress()
    await blows(progress)
  } finally {
    isOver = true
    await failed
    for (const store of stores) await store.close()
  }
  const fresh = await open(url)
  await history.prove(fresh)
  await fresh.close()
  return JSON.stringify(history.counts)
}

async function isPrimary(node: RedisServer): Promise<boolean> {
  return (await node.command('ROLE')).startsWith('master')
}

async function primaries(): Promise<readonly number[]> {
  const roles = await Promise.all(cluster.nodes.map(isPrimary))
  return roles.flatMap((is, index) => (is ? [index] : []))
}

const isHealthy = async () => {
  const replication = await Promise.all(cluster.nodes.map((node) => node.command('INFO', 'replication')))
  const states = await Promise.all(cluster.nodes.map((node) => node.command('CLUSTER', 'INFO')))
  return (
    states.every((state) => state.includes('cluster_state:ok')) &&
    replication.every((text) => /connected_slaves:1|master_link_status:up/.test(text))
  )
}

describe('a cluster with replicas', { skip }, () => {
  test(`loses nothing when each of its primaries is killed and comes back as a replica (SEED=${SEED})`, async (t) => {
    const counts = await survives(async (progress) => {
      for (const index of await primaries()) {
        await cluster.nodes[index]?.kill()
        try {
          await progress()
        } finally {
          await cluster.restart(index)
        }
        await eventually('the cluster is whole again', isHealthy)
        await progress()
      }
    })
    t.diagnostic(counts)
  })

  test(`loses nothing when a primary sleeps until it is replaced, and wakes (SEED=${SEED})`, async (t) => {
    const counts = await survives(async (progress) => {
      for (const index of await primaries()) {
        cluster.nodes[index]?.pause()
        try {
          await progress()
        } finally {
          cluster.nodes[index]?.resume()
        }
        await eventually('the cluster is whole again', isHealthy)
        await progress()
      }
    })
    t.diagnostic(counts)
  })

  test(`loses nothing when replicas take over on request (SEED=${SEED})`, async (t) => {
    const counts = await survives(async (progress) => {
      const before = await primaries()
      const replicas = [...cluster.nodes.keys()].filter((index) => !before.includes(index))
      for (const index of replicas) await cluster.nodes[index]?.command('CLUSTER', 'FAILOVER')
      await progress()
      await eventually('the cluster is whole again', isHealthy)
      assert.deepEqual(await primaries(), replicas)
    })
    t.diagnostic(counts)
  })
})
