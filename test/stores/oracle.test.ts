import { after, describe, test } from 'node:test'
import { silentLogger, systemClock, systemRandom } from '@atoll/kit'
import { redisPackages, startRedis, startRedisCluster } from '@atoll/lab'
import { openStore } from '@atoll/rome'
import { exploreCases } from '@atoll/rome/oracle'
import { serverDirectory, whyNoServers } from './store-servers.ts'

interface Server {
  readonly url: string
  stop(): Promise<void>
}

const servers: Readonly<
  Record<string, { packages: readonly string[]; start: (directory: string) => Promise<Server> }>
> = {
  Redis: { packages: redisPackages, start: (directory) => startRedis({ directory }) },
  'a Redis Cluster': { packages: redisPackages, start: (directory) => startRedisCluster({ directory }) },
}

const CASES = 30
const seed = Number(process.env.SEED ?? 1)

for (const [name, { packages, start }] of Object.entries(servers)) {
  describe(`queries on ${name}`, { skip: await whyNoServers(packages) }, () => {
    const place = serverDirectory()
    let server: Server | undefined
    after(async () => {
      await server?.stop()
      place.remove()
    })

    test(`generated statements have the same outcome as on SQLite (SEED=${seed})`, async (t) => {
      server = await start(place.directory)
      const tools = { clock: systemClock, random: systemRandom, log: silentLogger }
      const store = await openStore(server.url, tools)
      t.after(() => store.close())
      const { compared } = await exploreCases({ count: CASES, seed, store })
      t.diagnostic(`${compared} statements compared`)
    })
  })
}
