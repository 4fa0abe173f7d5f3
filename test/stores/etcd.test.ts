import { after } from 'node:test'
import { silentLogger, systemClock, systemRandom } from '@atoll/kit'
import { type EtcdCluster, etcdPackages, startEtcd } from '@atoll/lab'
import { type KeyValueStore, parseStoreUrl } from '@atoll/rome'
import { crashSuite } from '@atoll/rome/conformance/crash-suite'
import { isolationSuite } from '@atoll/rome/conformance/isolation-suite'
import { keyValueSuite } from '@atoll/rome/conformance/key-value-suite'
import { storeSuite } from '@atoll/rome/conformance/store-suite'
import { openEtcd } from '@atoll/rome/etcd'
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
const open = (url: string) =>
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
      const store = await open(url)
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
