import assert from 'node:assert/strict'
import { after, before, describe, type TestContext, test } from 'node:test'
import { seededRandom, silentLogger, systemClock } from '@atoll/kit'
import { type EtcdCluster, etcdPackages, loopbackHosts, startEtcd } from '@atoll/lab'
import { type KeyValueStore, parseStoreUrl, StoreFull, StoreUnavailable } from '@atoll/rome'
import { openEtcd } from '@atoll/rome/etcd'
import { Ledger } from './ledger.ts'
import { islands, openClient } from './sql-ocean.ts'
import { serverDirectory, whyNoServers } from './store-servers.ts'

const look = { after: null, keys: [], ranges: [] }
let seeds = 0

const open = (t: TestContext, url: string, patienceMs = 8000): Promise<KeyValueStore> => {
  const random = seededRandom(`${process.pid} ${++seeds}`)
  const opening = openEtcd({
    url: parseStoreUrl(url),
    clock: systemClock,
    random,
    log: silentLogger,
    patienceMs,
  })
  t.after(async () => (await opening.catch(() => undefined))?.close())
  return opening
}

describe('a store on three members of etcd', { skip: await whyNoServers(etcdPackages) }, () => {
  const place = serverDirectory()
  let cluster: EtcdCluster
  before(async () => {
    cluster = await startEtcd({ directory: place.directory, hosts: loopbackHosts(3) })
  })
  after(async () => {
    await cluster?.stop()
    place.remove()
  })

  test('keeps all that it acknowledged when members are killed one after the other, the leader among them', async (t) => {
    const url = `${cluster.url}-killed`
    const client = async () => {
      const store = await openClient(url)
      t.after(() => store.close())
      await store.ensureTables([islands])
      return store
    }
    const ledger = new Ledger([await client(), await client(), await client()])
    ledger.begin()
    for (const index of cluster.members.keys()) {
      await ledger.progress()
      await cluster.members[index]?.kill()
      await ledger.progress()
      await cluster.restart(index)
    }
    await ledger.prove(await client())
  })

  test('is unavailable without a majority, and goes on by itself', async (t) => {
    const store = await open(t, `${cluster.url}-minority`, 1500)
    await cluster.members[0]?.kill()
    await cluster.members[1]?.kill()
    await assert.rejects(store.look(look), StoreUnavailable.is)
    await Promise.all([cluster.restart(0), cluster.restart(1)])
    const { position } = await (await open(t, `${cluster.url}-minority`)).look(look)
    assert.equal(position, 0)
    assert.equal((await store.look(look)).position, 0)
  })

  test('goes on at another member when one stops answering, and hears of commits there', async (t) => {
    const url = `${cluster.url}-paused`
    const [store, other] = [await open(t, url), await open(t, url)]
    const watching = store.watch(0, new AbortController().signal)
    cluster.members[0]?.pause()
    try {
      const commit = { id: 'one', after: 0, reads: { keys: [], ranges: [] }, numbers: 0, changes: [] }
      const writes = [{ space: 'a', key: 'k', value: 'v', holes: [] }]
      assert.equal((await other.commit({ ...commit, writes })).kind, 'committed')
      await watching
      assert.equal((await store.look(look)).position, 1)
    } finally {
      cluster.members[0]?.resume()
    }
  })
})

describe('a store on etcd', { skip: await whyNoServers(etcdPackages) }, () => {
  test('says that the quota is used up, writes nothing then, and reads on', async (t) => {
    const place = serverDirectory()
    const cluster = await startEtcd({
      directory: place.directory,
      settings: { 'quota-backend-bytes': String(4 << 20) },
    })
    t.after(async () => {
      await cluster.stop()
      place.remove()
    })
    const store = await open(t, cluster.url)
    let position = 0
    const fill = async () => {
      for (let count = 0; count < 200; count++) {
        const commit = {
          id: `${count}`,
          after: position,
          reads: { keys: [], ranges: [] },
          numbers: 0,
          changes: [],
        }
        const value = '\xff'.repeat(100_000)
        const outcome = await store.commit({
          ...commit,
          writes: [{ space: 'a', key: `${count}`, value, holes: [] }],
        })
        position = outcome.position
      }
    }
    await assert.rejects(fill(), StoreFull.is)
    assert.equal((await store.look(look)).position, position)
  })

  test('cannot be opened where there is none', async (t) => {
    await assert.rejects(open(t, 'etcd://127.0.0.1:1/atoll', 300), StoreUnavailable.is)
  })
})
