import { after, before, describe } from 'node:test'
import { type RedisServer, redisPackages, startRedis } from '@atoll/lab'
import { openRedis } from '@atoll/rome/redis'
import { freshUrl, redisSuites } from './redis-harness.ts'
import { serverDirectory, whyNoServers } from './store-servers.ts'

describe('a store on Redis', { skip: await whyNoServers(redisPackages) }, () => {
  const place = serverDirectory()
  let server: RedisServer
  before(async () => {
    server = await startRedis({ directory: place.directory })
  })
  after(async () => {
    await server.stop()
    place.remove()
  })
  redisSuites({ name: 'Redis', freshUrl: () => freshUrl(server.url), open: openRedis })
})
