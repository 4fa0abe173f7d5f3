import assert from 'node:assert/strict'
import { cpSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { after, describe, type TestContext, test } from 'node:test'
import { type RedisServer, type RedisServerOptions, redisPackages, startRedis } from '@atoll/lab'
import {
  type Commit,
  type KeyValueStore,
  OutcomeUnknown,
  parseStoreUrl,
  StoreFull,
  StoreMisconfigured,
  StoreUnavailable,
} from '@atoll/rome'
import { openRedis } from '@atoll/rome/redis'
import { clientOptions, freshUrl } from './redis-harness.ts'
import { serverDirectory, whyNoServers } from './store-servers.ts'

const place = serverDirectory()
after(() => place.remove())

let servers = 0

async function serverFor(t: TestContext, options: Partial<RedisServerOptions> = {}): Promise<RedisServer> {
  const server = await startRedis({ directory: join(place.directory, `${++servers}`), ...options })
  t.after(() => server.stop())
  return server
}

async function clientOf(t: TestContext, url: string, patienceMs = 3000): Promise<KeyValueStore> {
  const store = await openRedis({ ...clientOptions(url), patienceMs })
  t.after(() => store.close())
  return store
}

let ids = 0

const put = (value: string, after: number): Commit => ({
  id: `${process.pid} ${++ids}`,
  after,
  reads: { keys: [], ranges: [] },
  writes: [{ space: 'a', key: 'k', value, holes: [] }],
  numbers: 0,
  changes: [],
})

const look = { after: null, keys: [{ space: 'a', key: 'k' }], ranges: [] }

async function valueIn(store: KeyValueStore): Promise<string | null | undefined> {
  return (await store.look(look)).values[0]
}

describe('trouble with a Redis', { skip: await whyNoServers(redisPackages) }, () => {
  test('a server that would lose what it acknowledged is refused with what to change, or changed on request', async (t) => {
    const settings = { appendfsync: 'everysec', 'maxmemory-policy': 'allkeys-lru' }
    const server = await serverFor(t, { settings })
    await assert.rejects(
      openRedis(clientOptions(server.url)),
      (error) =>
        StoreMisconfigured.is(error) &&
        error.message.includes('CONFIG SET appendfsync always; CONFIG SET maxmemory-policy noeviction;'),
    )
    await clientOf(t, `${server.url}?configuration=trust`)
    await clientOf(t, `${server.url}?configuration=set`)
    assert.match(await server.command('CONFIG', 'GET', 'appendfsync'), /always/)
    await clientOf(t, server.url)
  })

  test('a password that is wrong or missing is told, and never shown', async (t) => {
    const server = await serverFor(t)
    await server.command('CONFIG', 'SET', 'requirepass', 'hunter2')
    for (const who of ['', ':hunter3@', 'somebody:hunter2@'])
      await assert.rejects(
        openRedis(clientOptions(`redis://${who}127.0.0.1:${server.port}`)),
        (error) =>
          StoreUnavailable.is(error) && /password/.test(error.message) && !/hunter/.test(error.message),
        who,
      )
    await clientOf(t, `redis://:hunter2@127.0.0.1:${server.port}`)
  })

  test('a user with the permissions that the documentation names can use a store, and with less is told', async (t) => {
    const server = await serverFor(t)
    const [line] = /ACL SETUSER .*/.exec(
      readFileSync(new URL('../../docs/stores.md', import.meta.url), 'utf8'),
    ) ?? ['']
    await server.command(...line.split(' '))
    const store = await clientOf(t, `redis://atoll:secret@127.0.0.1:${server.port}`)
    await store.commit(put('first', 0))
    const watching = store.watch(1, new AbortController().signal)
    await store.commit(put('second', 1))
    await watching
    assert.equal(await valueIn(store), 'second')
    await server.command('ACL', 'SETUSER', 'atoll', '-zadd')
    await assert.rejects(
      openRedis(clientOptions(`redis://atoll:secret@127.0.0.1:${server.port}`)),
      (error) => StoreMisconfigured.is(error) && error.message.includes('may not run zadd'),
    )
  })

  test('a full server says so, goes on showing what it has, and takes commits again when it has room', async (t) => {
    const server = await serverFor(t)
    const store = await clientOf(t, server.url)
    await store.commit(put('first', 0))
    await server.command('CONFIG', 'SET', 'maxmemory', '1mb')
    await assert.rejects(store.commit(put('second', 1)), StoreFull.is)
    assert.equal(await valueIn(store), 'first')
    await server.command('CONFIG', 'SET', 'maxmemory', '0')
    assert.equal((await store.commit(put('third', 1))).kind, 'committed')
  })

  test('a server that is killed and comes back has every commit, and its clients find it', async (t) => {
    const server = await serverFor(t, { directory: join(place.directory, 'killed') })
    const store = await clientOf(t, server.url, 100)
    for (let position = 0; position < 20; position++) await store.commit(put(`${position}`, position))
    await server.kill()
    await assert.rejects(valueIn(store), StoreUnavailable.is)
    await assert.rejects(store.commit(put('lost', 20)), StoreUnavailable.is)
    await serverFor(t, { directory: join(place.directory, 'killed'), port: server.port })
    const patient = await clientOf(t, server.url)
    assert.equal(await valueIn(patient), '19')
    const outcome = await patient.commit(put('on', 20))
    assert.equal(outcome.kind === 'committed' && outcome.at, 21)
  })

  test('a commit to a server that does not answer is of unknown outcome, and asking again tells', async (t) => {
    const server = await serverFor(t)
    const store = await clientOf(t, server.url, 10)
    await store.commit(put('first', 0))
    server.pause()
    const commit = put('second', 1)
    await assert.rejects(store.commit(commit), OutcomeUnknown.is)
    await assert.rejects(valueIn(store), StoreUnavailable.is)
    server.resume()
    const patient = await clientOf(t, server.url)
    const outcome = await patient.commit(commit)
    assert.equal(outcome.kind === 'committed' && outcome.at, 2)
    assert.equal((await patient.look({ ...look, after: 1 })).entries?.length, 1)
  })

  test('a server that has forgotten its scripts is told them again', async (t) => {
    const server = await serverFor(t)
    const store = await clientOf(t, server.url)
    await store.commit(put('first', 0))
    await server.command('SCRIPT', 'FLUSH')
    assert.equal(await valueIn(store), 'first')
    await server.command('SCRIPT', 'FLUSH')
    assert.equal((await store.commit(put('second', 1))).kind, 'committed')
  })

  test('a store that was emptied makes its clients forget, and begins anew', async (t) => {
    const server = await serverFor(t)
    const [store, other] = [await clientOf(t, server.url), await clientOf(t, server.url)]
    for (const [position, value] of ['first', 'second'].entries()) await store.commit(put(value, position))
    await other.look({ ...look, after: 1 })
    await server.command('FLUSHALL')
    const sight = await store.look({ ...look, after: 2 })
    assert.deepEqual([sight.position, sight.entries, sight.values], [0, null, [null]])
    for (const [position, value] of ['third', 'fourth'].entries()) await store.commit(put(value, position))
    const late = await other.commit(put('of another world', 2))
    assert.deepEqual([late.kind, late.entries], ['conflict', null])
    assert.deepEqual((await other.look({ ...look, after: 2 })).values, ['fourth'])
  })

  test('a store that was put back to an earlier time makes its clients forget, even at the same position', async (t) => {
    const directory = join(place.directory, 'rewound')
    const copy = join(place.directory, 'copy')
    const first = await serverFor(t, { directory })
    const store = await clientOf(t, first.url)
    await store.commit(put('first', 0))
    await first.stop()
    cpSync(directory, copy, { recursive: true })
    const second = await serverFor(t, { directory, port: first.port })
    await store.commit(put('second', 1))
    const sleeper = await clientOf(t, first.url)
    assert.equal((await sleeper.look(look)).position, 2)
    await second.stop()
    rmSync(directory, { recursive: true })
    cpSync(copy, directory, { recursive: true })
    await serverFor(t, { directory, port: first.port })
    const behind = await store.look({ ...look, after: 2 })
    assert.deepEqual([behind.position, behind.entries, behind.values], [1, null, ['first']])
    const other = await clientOf(t, first.url)
    await other.commit(put('another second', 1))
    const same = await sleeper.look({ ...look, after: 2 })
    assert.deepEqual([same.position, same.entries, same.values], [2, null, ['another second']])
  })

  test('an address of a replica is refused, and one that names its primary, too, is not', async (t) => {
    const primary = await serverFor(t)
    const replica = await serverFor(t, { replicaOf: primary })
    await assert.rejects(openRedis({ ...clientOptions(replica.url), patienceMs: 50 }), StoreUnavailable.is)
    const store = await clientOf(t, `redis://127.0.0.1:${replica.port},127.0.0.1:${primary.port}`)
    assert.equal((await store.commit(put('first', 0))).kind, 'committed')
  })

  test('a node of a cluster is refused by the address of one Redis, and the other way round', async (t) => {
    const server = await serverFor(t)
    const { openRedisCluster } = await import('@atoll/rome/redis-cluster')
    const url = parseStoreUrl(server.url.replace('redis:', 'redis-cluster:'))
    await assert.rejects(openRedisCluster({ ...clientOptions(server.url), url }))
  })

  test('two namespaces of one server are two stores', async (t) => {
    const server = await serverFor(t)
    const [one, two] = [await clientOf(t, freshUrl(server.url)), await clientOf(t, freshUrl(server.url))]
    await one.commit(put('one', 0))
    assert.equal(await valueIn(two), null)
    assert.equal(await valueIn(one), 'one')
  })
})
