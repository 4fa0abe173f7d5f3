/** Waiting for news, forgetting, limits, and the end of a client. */

import assert from 'node:assert/strict'
import { StoreUnavailable } from '../errors.ts'
import { commitOf, positionOf, put, range, settle, values, write } from './key-value-harness.ts'
import type { Fact } from './key-value-suite.ts'

const look = { after: null, keys: [], ranges: [] }

export function lifeFacts(fact: Fact): void {
  watchFacts(fact)
  limitFacts(fact)

  fact(
    'who was away too long is told to forget, and cannot commit on what he knew',
    async ({ store, ...given }) => {
      const after = await write(store, put('a', 'k', 'v'))
      for (let count = 0; count <= given.commitsRemembered; count++)
        await write(store, put('a', 'other', `${count}`))
      const sight = await store.look({ after, keys: [{ space: 'a', key: 'k' }], ranges: [] })
      assert.equal(sight.entries, null)
      assert.deepEqual(sight.values, ['v'], 'what is stored is kept, whatever the log forgets')
      const reads = { keys: [{ space: 'a', key: 'k' }], ranges: [] }
      const late = await settle(store, commitOf({ after, reads, writes: [put('a', 'k', 'late')] }))
      assert.deepEqual([late.kind, late.entries], ['conflict', null])
      const fresh = await settle(
        store,
        commitOf({ after: late.position, reads, writes: [put('a', 'k', 'fresh')] }),
      )
      assert.equal(fresh.kind, 'committed')
    },
  )

  fact(
    'a closed client refuses, a second close is harmless, and others go on',
    async ({ store, another }) => {
      const other = await another()
      await write(other, put('a', 'k', 'v'))
      await other.close()
      await other.close()
      await assert.rejects(other.look(look), StoreUnavailable.is)
      await assert.rejects(other.commit(commitOf({ writes: [put('a', 'k', 'w')] })), StoreUnavailable.is)
      assert.deepEqual(await values(store, { space: 'a', key: 'k' }), ['v'])
    },
  )

  fact('a description is there for people and holds no password', async ({ store }) => {
    assert.match(store.description, /\S/)
    assert.doesNotMatch(store.description, /:[^/@:]+@/)
  })
}

function watchFacts(fact: Fact): void {
  fact('a watch ends when another client commits', async ({ store, another }) => {
    const other = await another()
    const position = await positionOf(store)
    const { signal } = new AbortController()
    const watching = store.watch(position, signal)
    await write(other, put('a', 'k', 'v'))
    await watching
    const sight = await store.look({ ...look, after: position })
    assert.equal(sight.entries?.length, 1)
  })

  fact('a watch of a position that has passed ends at once', async ({ store }) => {
    await write(store, put('a', 'k', 'v'))
    await store.watch(0, new AbortController().signal)
  })

  fact('a watch ends when it is aborted, before or after its begin', async ({ store }) => {
    const abort = new AbortController()
    const watching = store.watch(await positionOf(store), abort.signal)
    abort.abort()
    await watching
    await store.watch(0, abort.signal)
  })

  fact('a watch ends when its client is closed', async ({ another }) => {
    const client = await another()
    const watching = client.watch(await positionOf(client), new AbortController().signal)
    await client.close()
    await watching.catch((error: unknown) => assert.ok(StoreUnavailable.is(error)))
  })
}

function limitFacts(fact: Fact): void {
  fact('a commit may be as large as the store says', async ({ store }) => {
    const { writesMax, bytesMax } = store.limits
    const length = Math.min(100, Math.floor(bytesMax / writesMax) - 10)
    const writes = Array.from({ length: writesMax }, (_, index) =>
      put('many', `${index}`.padStart(8, '0'), '\xff'.repeat(Math.max(0, length))),
    )
    assert.equal((await settle(store, commitOf({ writes }))).kind, 'committed')
    const value = '\xff'.repeat(bytesMax - 1)
    assert.equal(
      (await settle(store, commitOf({ after: 1, writes: [put('large', 'k', value)] }))).kind,
      'committed',
    )
    assert.deepEqual(await values(store, { space: 'large', key: 'k' }), [value])
  })

  fact('a commit may have read as much as the store says', async ({ store }) => {
    const half = Math.floor(store.limits.readsMax / 2)
    const name = (index: number) => `${index}`.padStart(8, '0')
    const keys = Array.from({ length: half }, (_, index) => ({ space: 'a', key: name(index) }))
    const ranges = Array.from({ length: half }, (_, index) => ({
      space: 'b',
      from: name(2 * index),
      to: name(2 * index + 1),
    }))
    const commit = { after: 0, reads: { keys, ranges }, writes: [put('c', 'k', 'v')] }
    assert.equal((await settle(store, commitOf(commit))).kind, 'committed')
    await write(store, put('b', `${name(2 * half - 2)}5`, 'phantom'))
    assert.equal((await settle(store, commitOf({ ...commit, after: 1 }))).kind, 'conflict')
  })

  fact('a look may ask for much at once', async ({ store }) => {
    const names = Array.from({ length: 500 }, (_, index) => `${index}`.padStart(4, '0'))
    const { writesMax } = store.limits
    for (let from = 0; from < names.length; from += writesMax)
      await write(store, ...names.slice(from, from + writesMax).map((name) => put('a', name, name)))
    const sight = await store.look({
      after: null,
      keys: names.map((key) => ({ space: 'a', key })),
      ranges: names.map((name) => range('a', name, `${name}\x00`)),
    })
    assert.deepEqual(sight.values, names)
    assert.deepEqual(
      sight.ranges.map(({ keys }) => keys[0]),
      names,
    )
  })
}
