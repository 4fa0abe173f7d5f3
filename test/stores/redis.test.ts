import { after } from 'node:test'
import { type RedisServer, startRedis } from '@atoll/lab'
import { keyValueSuite } from '@atoll/rome/conformance/key-value-suite'
import { openRedis } from '@atoll/rome/redis'
import { clientOptions, freshUrl, skipRedis, temporaryDirectory } from './redis-harness.ts'

const { directory, remove } = temporaryDirectory()
let starting: Promise<RedisServer> | undefined
const server = () => {
  starting ??= startRedis({ directory })
  return starting
}
after(async () => {
  await (await starting)?.stop()
  remove()
})

const retention = { entriesMax: 64, bytesMax: 16 << 20 }

keyValueSuite(
  'Redis',
  async () => {
    const url = freshUrl((await server()).url)
    return {
      commitsRemembered: retention.entriesMax,
      open: () => openRedis({ ...clientOptions(url), retention }),
      close: async () => {},
    }
  },
  skipRedis,
)
