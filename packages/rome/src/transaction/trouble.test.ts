/** What callers see of a store that is down, slow, full, or too small for what they want. */

import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { TooBusy } from '@atoll/kit'
import { type Fate, faultyStore } from '../conformance/faulty-store.ts'
import { SteppedWorld } from '../conformance/isolation/stepped-world.ts'
import { get, scan, set } from '../conformance/raw-statements.ts'
import { OutcomeUnknown, StoreFull, StoreUnavailable, TransactionTooLarge } from '../errors.ts'
import type { KeyValueStore } from '../stores/key-value/key-value-store.ts'
import { MemoryDatabase } from '../stores/memory/memory-database.ts'
import { memoryStore } from '../stores/memory/memory-store.ts'
import { Peer, type PeerOptions } from './peer.ts'

/** A peer over a store of which the test says how it fares, in a world of which the time passes when nothing else happens. */
function openPeer(options: Partial<PeerOptions> & { store?: KeyValueStore } = {}) {
  const world = new SteppedWorld('trouble')
  const state: { fate: Fate } = { fate: 'fine' }
  const store = faultyStore({ store: options.store ?? memoryStore(), fate: () => state.fate })
  const { clock, random, defer } = world
  const peer = new Peer({ clock, random, defer, patienceMs: 2000, answerMsMax: 1000, ...options, store })
  const write = (key: string, value = 'v') => peer.transaction((scope) => scope.run(set('t', key, value)))
  return { world, state, store, peer, write }
}

suite('a store that is down', () => {
  test('is asked again for a while, and answers when it is back', async () => {
    const { world, state, peer, write } = openPeer()
    await world.run(write('a'))
    state.fate = 'refused'
    const reading = peer.read(get('t', 'a'))
    world.clock.after(500, () => {
      state.fate = 'fine'
    })
    assert.equal(await world.run(reading), 'v')
  })

  test('for longer is told of in the end, and used again as soon as it is back', async () => {
    const { world, state, peer, write } = openPeer()
    await world.run(write('a'))
    state.fate = 'refused'
    const startedMs = world.clock.monotonicMs()
    await assert.rejects(world.run(peer.read(get('t', 'a'))), StoreUnavailable.is)
    await assert.rejects(world.run(write('b')), StoreUnavailable.is)
    assert.ok(world.clock.monotonicMs() - startedMs <= 4000)
    state.fate = 'fine'
    assert.equal(await world.run(peer.read(get('t', 'b'))), undefined)
    await world.run(write('b'))
    assert.equal(await world.run(peer.read(get('t', 'b'))), 'v')
  })
})

suite('a store that is slow', () => {
  const never = (store: KeyValueStore): KeyValueStore => ({
    ...store,
    look: () => new Promise(() => {}),
  })

  test('keeps nobody waiting for ever', async () => {
    const { world, peer } = openPeer({ store: never(memoryStore()) })
    await assert.rejects(world.run(peer.read(get('t', 'a'))), StoreUnavailable.is)
    assert.ok(world.clock.monotonicMs() <= 4000)
  })

  test('does not keep a peer from closing', async () => {
    const { world, peer } = openPeer({ store: never(memoryStore()) })
    const reading = peer.read(get('t', 'a'))
    await peer.close()
    await assert.rejects(reading, StoreUnavailable.is)
    assert.equal(world.clock.monotonicMs(), 0)
  })

  test('and does not answer a commit in time is asked for it again', async () => {
    const inner = memoryStore()
    let asked = 0
    const store: KeyValueStore = {
      ...inner,
      commit: async (commit) => {
        const outcome = await inner.commit(commit)
        return ++asked === 1 ? new Promise(() => {}) : outcome
      },
    }
    const { world, peer } = openPeer({ store })
    const add = () =>
      peer.transaction(async (scope) => {
        await scope.run(set('t', 'sum', String(Number((await scope.run(get('t', 'sum'))) ?? 0) + 1)))
      })
    await world.run(add())
    assert.equal(asked, 2)
    await world.run(add())
    assert.equal(await world.run(peer.read(get('t', 'sum'))), '2')
  })
})

suite('a commit', () => {
  test('of which no answer comes through is told of as unknown', async () => {
    const { world, state, peer, write } = openPeer()
    await world.run(peer.read(get('t', 'a')))
    state.fate = 'answer lost'
    await assert.rejects(world.run(write('a')), OutcomeUnknown.is)
    state.fate = 'fine'
    assert.equal(await world.run(peer.read(get('t', 'a'))), 'v')
  })

  test('that was perhaps done, of which the log was forgotten since, is unknown and not tried anew', async () => {
    const database = new MemoryDatabase({ entriesMax: 2 })
    const inner = memoryStore({ database })
    let isFirst = true
    const store: KeyValueStore = {
      ...inner,
      commit: async (commit) => {
        const outcome = await inner.commit(commit)
        if (!isFirst) return outcome
        isFirst = false
        for (const id of ['x', 'y', 'z'])
          database.commit({
            ...{ id, after: database.position, reads: { keys: [], ranges: [] }, numbers: 0, changes: [] },
            writes: [{ space: 'u', key: id, value: '', holes: [] }],
          })
        throw OutcomeUnknown({ store: 'memory' })
      },
    }
    const { world, write } = openPeer({ store })
    await assert.rejects(world.run(write('a')), OutcomeUnknown.is)
  })

  test('for which the store has no room fails with its neighbours, and later ones are tried', async () => {
    const inner = memoryStore()
    let isFull = true
    const store: KeyValueStore = {
      ...inner,
      commit: (commit) => (isFull ? Promise.reject(StoreFull({})) : inner.commit(commit)),
    }
    const { world, write } = openPeer({ store })
    const outcomes = await world.run(Promise.allSettled([write('a'), write('b')]))
    for (const outcome of outcomes) assert.ok(outcome.status === 'rejected' && StoreFull.is(outcome.reason))
    isFull = false
    await world.run(write('a'))
  })
})

suite('a group', () => {
  const limits = { writesMax: 10, readsMax: 10, bytesMax: 1000 }

  test('is closed before the store would refuse it, and the rest goes into the next', async () => {
    const { world, peer, write } = openPeer({ store: memoryStore({ limits }) })
    await world.run(Promise.all(Array.from({ length: 35 }, (_, index) => write(`${index}`))))
    assert.equal(peer.statistics.commits, 4)
    assert.equal((await world.run(peer.read(scan('t', '', 'z')))).length, 35)
  })

  test('refuses one that is too large by itself, and only that', async () => {
    const { world, write } = openPeer({ store: memoryStore({ limits }) })
    const outcomes = await world.run(
      Promise.allSettled([write('a'), write('b', 'x'.repeat(2000)), write('c')]),
    )
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled'],
    )
    assert.ok(outcomes[1]?.status === 'rejected' && TransactionTooLarge.is(outcomes[1].reason))
  })

  test('has no more waiting behind it than is allowed', async () => {
    const { world, write } = openPeer({ waitingMax: 3 })
    const outcomes = await world.run(Promise.allSettled(['a', 'b', 'c', 'd'].map((key) => write(key))))
    const [refused] = outcomes.filter(({ status }) => status === 'rejected')
    assert.ok(refused?.status === 'rejected' && TooBusy.is(refused.reason))
    await world.run(write('e'))
  })
})

test('a peer that was away longer than the log reaches forgets, and tells that anything may have changed', async () => {
  const database = new MemoryDatabase({ entriesMax: 3 })
  const { world, peer } = openPeer({ store: memoryStore({ database }) })
  const other = openPeer({ store: memoryStore({ database }) })
  await world.run(peer.read(get('t', 'a')))
  const heard: unknown[] = []
  peer.onForeignCommit((changes) => heard.push(changes))
  for (const value of ['1', '2', '3', '4', '5']) await other.world.run(other.write('a', value))
  assert.equal(await world.run(peer.read(get('t', 'a'))), '5')
  assert.deepEqual(heard, [[]])
})

test('a work that everybody is in the way of is told so in the end', async () => {
  const database = new MemoryDatabase()
  const { world, peer } = openPeer({ store: memoryStore({ database }) })
  let count = 0
  const rival = () =>
    database.commit({
      ...{ id: `rival ${++count}`, after: database.position, reads: { keys: [], ranges: [] } },
      ...{ numbers: 0, changes: [], writes: [{ space: 't', key: 'a', value: `${count}`, holes: [] }] },
    })
  rival()
  const work = peer.transaction(async (scope) => {
    await scope.run(get('t', 'a'))
    await scope.run(set('t', 'b', 'v'))
    rival()
  })
  await assert.rejects(world.run(work), { code: 'rome.transaction.conflict' })
  assert.ok(count < 200)
})
