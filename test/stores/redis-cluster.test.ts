import { after } from 'node:test'
import { type RedisCluster, startRedisCluster } from '@atoll/lab'
import { keyValueSuite } from '@atoll/rome/conformance/key-value-suite'
import { openRedisCluster } from '@atoll/rome/redis-cluster'
import { clientOptions, freshUrl, skipRedis, temporaryDirectory } from './redis-harness.ts'

const { directory, remove } = temporaryDirectory()
let starting: Promise<RedisCluster> | undefined
const cluster = () => {
  starting ??= startRedisCluster({ directory })
  return starting
}
after(async () => {
  await (await starting)?.stop()
  remove()
})

const retention = { entriesMax: 64, bytesMax: 16 << 20 }

keyValueSuite(
  'Redis Cluster',
  async () => {
    const url = freshUrl((await cluster()).url, '&shards=5')
    return {
      commitsRemembered: retention.entriesMax,
      open: () => openRedisCluster({ ...clientOptions(url), retention }),
      close: async () => {},
    }
  },
  skipRedis,
)
