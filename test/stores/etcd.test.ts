import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { silentLogger, systemClock, systemRandom } from '@atoll/kit'
import { type EtcdCluster, etcdPackages, startEtcd } from '@atoll/lab'
import { type AnyTables, type KeyValueStore, parseStoreUrl, RomeDialect, type Table } from '@atoll/rome'
import { crashSuite } from '@atoll/rome/conformance/crash-suite'
import { isolationSuite } from '@atoll/rome/conformance/isolation-suite'
import { keyValueSuite } from '@atoll/rome/conformance/key-value-suite'
import { seedsToRun } from '@atoll/rome/conformance/seeds'
import { storeSuite } from '@atoll/rome/conformance/store-suite'
import { openEtcd } from '@atoll/rome/etcd'
import { exploreCases } from '@atoll/rome/oracle'
import { Kysely } from 'kysely'
import { openClient } from './sql-ocean.ts'
import { serverDirectory, whyNoServers } from './store-servers.ts'

const skip = (await whyNoServers(etcdPackages)) ?? false
const { directory, remove } = serverDirectory()
let starting: Promise<EtcdCluster> | undefined
let namespaces = 0
after(async () => {
  await (await starting)?.stop()
  remove()
})

const ENTRIES_MAX = 64

const freshUrl = async () => {
  starting ??= startEtcd({ directory })
  return `${(await starting).url}-${++namespaces}`
}
const openOne = (url: string) =>
  openEtcd({
    url: parseStoreUrl(url),
    clock: systemClock,
    random: systemRandom,
    log: silentLogger,
    entriesMax: ENTRIES_MAX,
  })
const harness = async () => {
  const url = await freshUrl()
  const opened: KeyValueStore[] = []
  return {
    open: async () => {
      const store = await openOne(url)
      opened.push(store)
      return store
    },
    close: async () => {
      for (const store of opened) await store.close()
    },
  }
}

keyValueSuite('etcd', async () => ({ ...(await harness()), commitsRemembered: ENTRIES_MAX }), skip)

storeSuite(
  'etcd',
  async () => {
    const url = await freshUrl()
    return { open: () => openClient(url), close: async () => {} }
  },
  { isShared: true, skip },
)

isolationSuite('etcd', harness, { seeds: 2, isStepped: false, skip })

crashSuite('etcd', harness, skip)

test('generated statements have the same outcome on etcd and on SQLite', { skip }, async (t) => {
  const open = async (tables: readonly Table[]) => {
    const store = await openOne(await freshUrl())
    const queries = new Kysely<AnyTables>({ dialect: new RomeDialect({ store, tables }) })
    return { queries, close: () => queries.destroy() }
  }
  for (const seed of seedsToRun(1)) {
    const { compared } = await exploreCases({ count: 60, seed: Number(seed), open })
    t.diagnostic(`SEED=${seed}: ${compared} statements compared`)
  }
})

test('a commit may look for much that must be absent and write much at once', { skip }, async (t) => {
  const store = await openOne(await freshUrl())
  t.after(() => store.close())
  for (const [index, count] of [60, 63, 64, 300].entries()) {
    const keys = Array.from({ length: count }, (_, number) => ({ space: 'a', key: `${count}-${number}` }))
    const writes = Array.from({ length: 1500 }, (_, number) => ({
      space: 'b',
      key: `${number}`,
      value: 'v',
      holes: [],
    }))
    const commit = { reads: { keys: [], ranges: [] }, absent: { keys, ranges: [] }, numbers: 0, changes: [] }
    const outcome = await store.commit({ id: `${count}`, after: index, writes, ...commit })
    assert.equal(outcome.kind, 'committed')
  }
})
