import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type GaleraCluster, mariadbPackages, startGalera } from '@atoll/lab'
import type { Store } from '@atoll/rome'
import { storeSuite } from '@atoll/rome/conformance/store-suite'
import { Ledger } from './ledger.ts'
import { addIsland, counters, islands, openClient } from './sql-ocean.ts'
import { serverDirectory, whyNoServers } from './store-servers.ts'

describe('a store on a Galera cluster', { skip: await whyNoServers(mariadbPackages) }, () => {
  const place = serverDirectory()
  let cluster: GaleraCluster
  let databases = 0
  before(async () => {
    cluster = await startGalera({ directory: place.directory })
  })
  after(async () => {
    await cluster?.stop()
    place.remove()
  })
  /** Clients of one database, each on a node of its own. */
  const fresh = async () => {
    const name = `galera_${++databases}`
    await cluster.nodes[0]?.createDatabase(name)
    let clients = 0
    return {
      open: async () => {
        const node = cluster.nodes[clients++ % cluster.nodes.length]
        return openClient((node?.url ?? '').replace(/atoll$/, name))
      },
      // The first node that answers.
      openAny: () => openClient(cluster.url.replace(/atoll$/, name)),
      close: async () => {},
    }
  }

  storeSuite('Galera', fresh, { isShared: true })

  test('two that each look where the other writes, at two nodes, are not both done on what they saw', async (t) => {
    const { open } = await fresh()
    const [one, two] = [await open(), await open()]
    t.after(() => Promise.all([one.close(), two.close()]))
    for (const store of [one, two]) await store.ensureTables([islands, counters])
    const takeOne = (store: Store, key: string) =>
      store.transaction(async ({ queries }) => {
        const rows = await queries.selectFrom('counters').select('count').execute()
        if (rows.reduce((sum, { count }) => sum + Number(count), 0) < 2) return
        await queries.updateTable('counters').set({ count: 0 }).where('key', '=', key).execute()
      })
    for (let round = 0; round < 10; round++) {
      await one.transaction(async ({ queries }) => {
        await queries.deleteFrom('counters').execute()
        await queries
          .insertInto('counters')
          .values([
            { key: 'a', count: 1 },
            { key: 'b', count: 1 },
          ])
          .execute()
      })
      await Promise.all([takeOne(one, 'a'), takeOne(two, 'b')])
      const rows = await two.read.selectFrom('counters').select('count').execute()
      assert.equal(
        rows.reduce((sum, { count }) => sum + Number(count), 0),
        1,
        `round ${round}`,
      )
    }
  })

  test('keeps all that it acknowledged when the node of its clients is killed, and they go on at another', async (t) => {
    const { openAny } = await fresh()
    const stores = [await openAny(), await openAny()]
    t.after(() => Promise.all(stores.map((store) => store.close())))
    await stores[0]?.ensureTables([islands, counters])
    await stores[1]?.ensureTables([islands, counters])
    const ledger = new Ledger([...stores, ...stores])
    ledger.begin()
    await ledger.progress()
    await cluster.nodes[0]?.kill()
    await ledger.progress()
    await cluster.restart(0)
    await ledger.progress()
    const last = await openAny()
    t.after(() => last.close())
    await last.ensureTables([islands, counters])
    await ledger.prove(last)
    await addIsland(last, 'at the end')
  })
})
