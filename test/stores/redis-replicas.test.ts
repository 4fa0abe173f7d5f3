import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, describe, type TestContext, test } from 'node:test'
import { seededRandom } from '@atoll/kit'
import { type RedisServer, redisPackages, startRedis } from '@atoll/lab'
import { type KeyValueStore, OutcomeUnknown, StoreUnavailable } from '@atoll/rome'
import { openRedis } from '@atoll/rome/redis'
import { eventually } from './eventually.ts'
import { History } from './history.ts'
import { clientOptions } from './redis-harness.ts'
import { serverDirectory, whyNoServers } from './store-servers.ts'

const SEED = Number(process.env.SEED ?? 1)
const place = serverDirectory()
after(() => place.remove())

let groups = 0

/** A primary and two replicas that follow it. */
async function groupFor(t: TestContext) {
  const directory = (name: string) => join(place.directory, `${groups}`, name)
  groups++
  const primary = await startRedis({ directory: directory('primary') })
  t.after(() => primary.stop())
  const replicas: RedisServer[] = []
  for (const name of ['first', 'second']) {
    const replica = await startRedis({ directory: directory(name), replicaOf: primary })
    t.after(() => replica.stop())
    replicas.push(replica)
  }
  await eventually(
    'both replicas follow',
    async () => (await primary.command('INFO', 'replication')).match(/state=online/g)?.length === 2,
  )
  const url = `redis://${[primary, ...replicas].map(({ port }) => `127.0.0.1:${port}`).join(',')}`
  return { primary, replicas, url }
}

async function clientOf(t: TestContext, url: string, patienceMs: number): Promise<KeyValueStore> {
  const store = await openRedis({ ...clientOptions(url), patienceMs })
  t.after(() => store.close())
  return store
}

async function offsetOf(server: RedisServer): Promise<number> {
  return Number(/slave_repl_offset:(\d+)/.exec(await server.command('INFO', 'replication'))?.[1])
}

const value = (text: string, after: number) => ({
  id: `${process.pid} ${text}`,
  after,
  reads: { keys: [], ranges: [] },
  writes: [{ space: 'a', key: 'k', value: text, holes: [] }],
  numbers: 0,
  changes: [],
})

const look = { after: null, keys: [{ space: 'a', key: 'k' }], ranges: [] }

describe('a Redis with replicas', { skip: await whyNoServers(redisPackages) }, () => {
  test('acknowledges and shows nothing that its replicas do not have', async (t) => {
    const { primary, replicas, url } = await groupFor(t)
    const store = await clientOf(t, `${url}?replicas=2`, 50)
    assert.equal((await store.commit(value('first', 0))).kind, 'committed')
    replicas[1]?.pause()
    const second = value('second', 1)
    await assert.rejects(store.commit(second), OutcomeUnknown.is)
    const other = await clientOf(t, url, 50)
    await assert.rejects(other.look(look), StoreUnavailable.is)
    const reads = { keys: look.keys, ranges: [] }
    await assert.rejects(other.commit({ ...value('refused', 1), reads }), OutcomeUnknown.is)
    replicas[1]?.resume()
    const patient = await clientOf(t, url, 10_000)
    const outcome = await patient.commit(second)
    assert.equal(outcome.kind === 'committed' && outcome.at, 2)
    assert.deepEqual((await patient.look(look)).values, ['second'])
    assert.match(await primary.command('HGET', '{rome}meta', 'replicas'), /2/)
  })

  test(`loses nothing when its primary is killed and the replica that is furthest takes over (SEED=${SEED})`, async (t) => {
    const { primary, replicas, url } = await groupFor(t)
    const stores = [0, 1, 2].map(() => clientOf(t, `${url}?replicas=1`, 10_000))
    const history = new History()
    await history.begin(await (stores[0] as Promise<KeyValueStore>))
    let isOver = false
    const working = Promise.all(
      stores.map(async (store, index) =>
        history.work(await store, () => isOver, seededRandom(`${SEED} ${index}`)),
      ),
    )
    const progress = async () => {
      const goal = history.counts.acknowledged + 50
      await Promise.race([working, eventually('commits go on', () => history.counts.acknowledged >= goal)])
    }
    try {
      await progress()
      await primary.kill()
      const [first, second] = replicas as [RedisServer, RedisServer]
      const isFirst = (await offsetOf(first)) >= (await offsetOf(second))
      const [next, rest] = isFirst ? [first, second] : [second, first]
      await next.command('REPLICAOF', 'NO', 'ONE')
      await rest.command('REPLICAOF', '127.0.0.1', String(next.port))
      await progress()
    } finally {
      isOver = true
      await working
    }
    await history.prove(await clientOf(t, url, 5000))
    t.diagnostic(JSON.stringify(history.counts))
  })
})
