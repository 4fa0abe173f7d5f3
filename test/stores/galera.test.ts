import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type GaleraCluster, mariadbPackages, startGalera } from '@atoll/lab'
import { type Store, StoreUnavailable } from '@atoll/rome'
import { storeSuite } from '@atoll/rome/conformance/store-suite'
import { eventually } from './eventually.ts'
import { isRefusal, Ledger } from './ledger.ts'
import { findsOut, openRewritten, sqlIsolation, sqlIsolationUnder } from './sql-isolation.ts'
import { addIsland, counters, islands, openClient } from './sql-ocean.ts'
import { inPlaceOf } from './sql-suites.ts'
import { serverDirectory, whyNoServers } from './store-servers.ts'

/** Of a node that stands still; less than the time after which its reads are given up. */
const HELD_SECONDS = 2

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
    await cluster.createDatabase(name)
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

  /** Of a new database: each node by itself, or all of them, beginning with each. */
  const freshUrls = async (which: 'each' | 'all') => {
    const name = `galera_${++databases}`
    await cluster.createDatabase(name)
    const urls = cluster.nodes.map(({ url }) => url.replace(/atoll$/, name))
    return which === 'each' ? urls : urls.map((_, first) => nodesFrom(urls, first))
  }

  sqlIsolation('Galera', { fresh: () => freshUrls('each') })

  sqlIsolationUnder('Galera', 'while one node after the other is killed and comes back', {
    fresh: () => freshUrls('all'),
    blows: [0, 1].map((index) => async () => {
      await cluster.nodes[index]?.kill()
      await cluster.restart(index)
    }),
  })

  test('the checker of histories finds out transactions that are repeatable reads alone', async (t) => {
    const rewrite = inPlaceOf('set session transaction isolation level serializable', 'set @weaker = 1')
    const wrong = await findsOut(() => freshUrls('each'), rewrite)
    t.diagnostic(wrong[0] ?? 'nothing was wrong')
    assert.notDeepEqual(wrong, [])
  })

  test('a read waits until its node has caught up; without that it would miss what was acknowledged', async (t) => {
    const [url = '', behind = ''] = await freshUrls('each')
    const [writer, careful] = [await openClient(url), await openClient(behind)]
    const tables = [islands, counters]
    const hasty = await openRewritten(behind, tables, inPlaceOf('wsrep_sync_wait = 1', 'wsrep_sync_wait = 0'))
    t.after(() => Promise.all([writer.close(), careful.close(), hasty.close()]))
    for (const store of [writer, careful]) await store.ensureTables(tables)
    const idsAt = async (store: Store) =>
      (await store.read.selectFrom('islands').select('id').execute()).map(({ id }) => String(id))
    await Promise.all([idsAt(careful), idsAt(hasty.store)])
    // While this holds, the node applies nothing of what the others commit.
    const hold = `flush tables with read lock; select sleep(${HELD_SECONDS}); unlock tables`
    let isHeld = true
    const held = cluster.nodes[1]?.execute(hold).finally(() => {
      isHeld = false
    })
    let missed: string | undefined
    for (let count = 0; isHeld && missed === undefined; count++) {
      const id = `island-${count}`
      await addIsland(writer, id)
      if (!(await idsAt(hasty.store)).includes(id)) missed = id
    }
    assert.ok(missed !== undefined, 'the node was never behind')
    assert.ok((await idsAt(careful)).includes(missed))
    await held
  })

  test('a node that is cut off from the others refuses, they go on, and it comes back', async (t) => {
    const urls = await freshUrls('each')
    const [alone = '', other = ''] = urls
    const [pinned, elsewhere] = [await openClient(alone), await openClient(other)]
    const roaming = await openClient(nodesFrom(urls, 0))
    const stores = [pinned, elsewhere, roaming]
    t.after(() => Promise.all(stores.map((store) => store.close())))
    for (const store of stores) await store.ensureTables([islands, counters])
    const ledger = new Ledger([elsewhere, elsewhere])
    ledger.begin()
    await addIsland(pinned, 'before')
    await addIsland(roaming, 'at the first node')
    await roaming.headNumber()
    await ledger.progress()
    await cluster.nodes[0]?.execute("set global wsrep_provider_options = 'gmcast.isolate=1'")
    try {
      await assert.rejects(addIsland(pinned, 'while it is cut off'), isRefusal)
      await eventually('it knows that it is cut off', async () => {
        const reading = pinned.read.selectFrom('islands').selectAll().execute()
        return reading.then(
          () => false,
          (error: unknown) => StoreUnavailable.is(error),
        )
      })
      await assert.rejects(addIsland(pinned, 'when it knows'), StoreUnavailable.is)
      // Its sessions at that node are alive, and of no use.
      await addIsland(roaming, 'elsewhere')
      assert.ok((await roaming.read.selectFrom('islands').select('id').execute()).length > 2)
      await ledger.progress()
    } finally {
      await cluster.nodes[0]?.execute("set global wsrep_provider_options = 'gmcast.isolate=0'")
    }
    await eventually('it is back', () =>
      addIsland(pinned, 'after').then(
        () => true,
        () => false,
      ),
    )
    ledger.acknowledged.add('before').add('at the first node').add('after').add('elsewhere')
    ledger.unknown.add('while it is cut off')
    await ledger.prove(elsewhere)
  })

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

/** An address that names the nodes of all of them, beginning with one. */
function nodesFrom(urls: readonly string[], first: number): string {
  const hosts = urls.map((url) => new URL(url).host)
  const order = [...hosts.slice(first), ...hosts.slice(0, first)]
  return (urls[0] ?? '').replace(hosts[0] ?? '', order.join(','))
}
