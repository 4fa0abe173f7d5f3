import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type RedisCluster, redisPackages, startRedisCluster } from '@atoll/lab'
import type { Commit, KeyValueStore, RangeRequest, Write } from '@atoll/rome'
import { openRedisCluster } from '@atoll/rome/redis-cluster'
import { type CrashPoint, crashingRunner } from './crashing-runner.ts'
import { clientOptions, freshUrl } from './redis-harness.ts'
import { serverDirectory, whyNoServers } from './store-servers.ts'

const skip = await whyNoServers(redisPackages)
const place = serverDirectory()
let cluster: RedisCluster

before(async () => {
  if (!skip) cluster = await startRedisCluster({ directory: place.directory })
})
after(async () => {
  await cluster?.stop()
  place.remove()
})

const ROWS = Array.from({ length: 9 }, (_, index) => `row-${index}`)
const STEPS_MAX = 60
const FIRST = 'first'

/** Rows in all shards with an entry of an index each; `was` is what the index holds before. */
function rewrite(value: string, was: string | undefined): readonly Write[] {
  return ROWS.flatMap((row) => {
    const entry = (of: string) => `${of}\x00${row}\x00${String.fromCharCode(row.length)}`
    const put = (space: string, key: string, to: string | null): Write => ({
      space,
      key,
      value: to,
      holes: [],
    })
    const drop = was === undefined ? [] : [put('t(v)', entry(was), null)]
    return [put('t', row, value), put('t(v)', entry(value), ''), ...drop]
  })
}

const all: RangeRequest = { space: 't(v)', from: '', to: '\xff', limit: 100, isReversed: false, rowsOf: 't' }

/** The one value that all rows and all entries of the index agree on. */
async function valueIn(store: KeyValueStore): Promise<string | undefined> {
  const keys = ROWS.map((key) => ({ space: 't', key }))
  const { values, ranges } = await store.look({ after: null, keys, ranges: [all] })
  assert.equal(new Set(values).size, 1, `half of a commit: ${values.join(' ')}`)
  const [value] = values
  if (value === null || value === undefined) {
    assert.deepEqual(ranges[0], { keys: [], values: [], isComplete: true })
    return undefined
  }
  const entries = ROWS.map((row) => `${value}\x00${row}\x00${String.fromCharCode(row.length)}`)
  assert.deepEqual(ranges[0]?.keys, entries)
  assert.deepEqual(new Set(ranges[0]?.values), new Set([value]))
  return value
}

let ids = 0

async function commitTo(store: KeyValueStore, value: string, given: Partial<Commit> = {}) {
  const { position, values } = await store.look({
    after: null,
    keys: [{ space: 't', key: 'row-0' }],
    ranges: [],
  })
  return store.commit({
    id: `${process.pid} ${ids++}`,
    after: position,
    reads: { keys: [{ space: 't', key: 'row-0' }], ranges: [] },
    writes: rewrite(value, values[0] ?? undefined),
    numbers: 1,
    changes: [],
    ...given,
  })
}

/** What one client does: it makes the store if need be, commits twice, and brings all shards after the log each time. */
async function life(url: string, point: CrashPoint | undefined) {
  const crashing = crashingRunner()
  crashing.arm(point)
  const acknowledged: string[] = []
  let store: KeyValueStore | undefined
  try {
    store = await openRedisCluster({ ...options(url), wrapRunner: crashing.wrap })
    for (const value of [FIRST, 'second']) {
      const outcome = await commitTo(store, value)
      if (outcome.kind === 'committed') acknowledged.push(value)
    }
  } catch (error) {
    if (!crashing.hasCrashed) throw error
  }
  await store?.close()
  return { crashing, acknowledged }
}

const options = (url: string) => ({
  ...clientOptions(url),
  catchUpBatch: 0,
  // Short, so that the log is cut, too.
  retention: { entriesMax: 1, bytesMax: 1 << 20 },
})

/** Whoever comes next sees all or nothing of each commit, and can go on. */
async function provesWhole(point: CrashPoint): Promise<boolean> {
  const url = freshUrl(cluster.url, '&shards=3')
  const { crashing, acknowledged } = await life(url, point)
  const where = `${point.kind} step ${point.step}`
  const next = await openRedisCluster(options(url))
  try {
    const seen = await valueIn(next)
    const last = acknowledged.at(-1)
    assert.ok(last === undefined || seen === last || (last === FIRST && seen === 'second'), `${where}: lost`)
    assert.equal((await commitTo(next, 'third')).kind, 'committed', where)
    assert.equal(await valueIn(next), 'third', where)
    // A connection runs commands in order, so what arrives late comes from a connection that others do not wait for.
    await crashing.arrive().catch(() => {})
    assert.equal(await valueIn(next), 'third', `${where}, arrived`)
    assert.equal((await commitTo(next, 'fourth')).kind, 'committed', where)
  } finally {
    await next.close()
  }
  // With nothing but what is stored: no memory of any client helps.
  const last = await openRedisCluster(options(url))
  assert.equal(await valueIn(last), 'fourth', where)
  await last.close()
  return crashing.hasCrashed
}

describe('a client of a cluster that dies', { skip }, () => {
  for (const kind of ['before', 'after', 'late'] as const)
    test(`${kind === 'late' ? 'with a step under way' : `${kind} a step`}, at any of them, leaves nothing half done and nothing in the way`, async (t) => {
      let step = 0
      while (await provesWhole({ step, kind })) {
        assert.ok(step < STEPS_MAX, 'a life ends')
        step++
      }
      t.diagnostic(`${step} steps`)
      assert.ok(step > 10, 'a life has steps')
    })

  test('when any part of the shards has followed: the next one sees all of the commit', async () => {
    for (let part = 0; part < 8; part++) {
      const url = freshUrl(cluster.url, '&shards=3')
      let isFollowed = (_shard: number) => true
      const first = await openRedisCluster({
        ...options(url),
        wrapRunner: (runner) => ({
          run: async (call) => {
            const shard = Number(/\.(\d+)\.\d+\}applied$/.exec(call.keys[0] ?? '')?.[1] ?? -1)
            const isAdvance = shard >= 0 && call.script.source.includes('HSET')
            if (isAdvance && !isFollowed(shard)) throw new Error('this client is dead')
            return runner.run(call)
          },
        }),
      })
      await commitTo(first, FIRST)
      isFollowed = (shard) => (part & (1 << shard)) !== 0
      assert.equal((await commitTo(first, 'second')).kind, 'committed')
      await first.close()
      const next = await openRedisCluster(options(url))
      assert.equal(await valueIn(next), 'second', `part ${part}`)
      await commitTo(next, 'third')
      await next.close()
      const last = await openRedisCluster(options(url))
      assert.equal(await valueIn(last), 'third', `part ${part}`)
      await last.close()
    }
  })
})
