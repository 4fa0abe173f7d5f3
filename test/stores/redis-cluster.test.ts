import { after, before, describe } from 'node:test'
import { type RedisCluster, redisPackages, startRedisCluster } from '@atoll/lab'
import { openRedisCluster } from '@atoll/rome/redis-cluster'
import { freshUrl, redisSuites } from './redis-harness.ts'
import { serverDirectory, whyNoServers } from './store-servers.ts'

describe('a store on a Redis Cluster', { skip: await whyNoServers(redisPackages) }, () => {
  const place = serverDirectory()
  let cluster: RedisCluster
  before(async () => {
    cluster = await startRedisCluster({ directory: place.directory })
  })
  after(async () => {
    await cluster.stop()
    place.remove()
  })
  redisSuites({
    name: 'Redis Cluster',
    // More shards than nodes, so that a node has several.
    freshUrl: () => freshUrl(cluster.url, '&shards=5'),
    open: openRedisCluster,
  })
})
