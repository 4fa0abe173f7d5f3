import assert from 'node:assert/strict'
import test from 'node:test'
import { systemClock, TooBusy } from '@atoll/kit'
import { StoreUnavailable } from '../../errors.ts'
import { ConnectionPool } from './connection-pool.ts'

class FakeConnection {
  isUsable = true
  isDestroyed = false
  destroy(): void {
    this.isDestroyed = true
  }
}

const crowded = new Error('too many sessions')

function openPool(
  options: {
    connectionsMax?: number
    waitingMax?: number
    fails?: () => boolean
    isFull?: () => boolean
  } = {},
) {
  const opened: FakeConnection[] = []
  const pool = new ConnectionPool<FakeConnection>({
    description: 'a store',
    clock: systemClock,
    connectionsMax: options.connectionsMax ?? 2,
    waitingMax: options.waitingMax ?? 1,
    waitMsMax: 60_000,
    isCrowded: (error) => error === crowded,
    connect: async () => {
      if (options.isFull?.()) throw crowded
      if (options.fails?.()) throw StoreUnavailable({ path: 'a store', reason: 'it is gone.' })
      const connection = new FakeConnection()
      opened.push(connection)
      return connection
    },
  })
  return { pool, opened }
}

test('a connection is used again, and one that was lost is replaced', async () => {
  const { pool, opened } = openPool()
  const first = await pool.acquire()
  pool.release(first)
  assert.equal(await pool.acquire(), first)
  first.isUsable = false
  pool.release(first)
  assert.notEqual(await pool.acquire(), first)
  assert.deepEqual(
    opened.map(({ isDestroyed }) => isDestroyed),
    [true, false],
  )
})

test('who comes too late waits for one that is released, and one more is refused', async () => {
  const { pool } = openPool({ connectionsMax: 1 })
  const first = await pool.acquire()
  const waiting = pool.acquire()
  await assert.rejects(pool.acquire(), TooBusy.is)
  pool.release(first)
  assert.equal(await waiting, first)
})

test('who waits for a server that is gone hears of it', async () => {
  let isGone = false
  const { pool } = openPool({ connectionsMax: 1, fails: () => isGone })
  const first = await pool.acquire()
  const waiting = pool.acquire()
  isGone = true
  first.isUsable = false
  pool.release(first)
  await assert.rejects(waiting, StoreUnavailable.is)
  isGone = false
  assert.ok((await pool.acquire()).isUsable)
})

test('a pool that is closed waits for what is in use and gives nothing more', async () => {
  const { pool, opened } = openPool()
  const used = await pool.acquire()
  const closing = pool.close()
  await assert.rejects(pool.acquire(), StoreUnavailable.is)
  pool.release(used)
  await closing
  await pool.close()
  assert.ok(opened.every(({ isDestroyed }) => isDestroyed))
})

test('a server without place for one more is no failure for whom others of the pool will be free', async () => {
  let isFull = false
  const { pool } = openPool({ connectionsMax: 3, waitingMax: 2, isFull: () => isFull })
  const first = await pool.acquire()
  isFull = true
  const waiting = pool.acquire()
  pool.release(first)
  assert.equal(await waiting, first)
  const next = pool.acquire()
  first.isUsable = false
  pool.release(first)
  await assert.rejects(next, (error) => error === crowded)
  await assert.rejects(pool.acquire(), (error) => error === crowded)
})
