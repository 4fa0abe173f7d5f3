import assert from 'node:assert/strict'
import test from 'node:test'
import { type Clock, systemClock } from '@atoll/kit'
import type { Change } from '@atoll/rome'
import { followChangedRecords } from './changed-records.ts'

/** Pauses end at once. */
const clock: Clock = {
  ...systemClock,
  after: (_delayMs, callback) => {
    const immediate = setImmediate(callback)
    return () => clearImmediate(immediate)
  },
}

/** Answers with what tells of a commit. */
function follow(read: (ids: readonly string[]) => Promise<void>) {
  let listener: (changes: readonly Change[]) => void = () => {}
  const onCommit = (given: typeof listener) => {
    listener = given
    return () => {}
  }
  followChangedRecords({ state: { onCommit }, table: { name: 'hosts' }, clock, read })
  return (ids: readonly string[], table = 'hosts') => listener(ids.map((id) => ({ table, id })))
}

test('what changes at one moment is read together, and what changes meanwhile after it', async () => {
  const reads: (readonly string[])[] = []
  const { promise: isDone, resolve: done } = Promise.withResolvers<void>()
  const commit = follow(async (ids) => {
    reads.push(ids)
    if (reads.length === 1) commit(['c', 'd'])
    else done()
  })
  commit(['a'])
  commit(['b', 'a'])
  await isDone
  assert.deepEqual(reads, [
    ['a', 'b'],
    ['c', 'd'],
  ])
})

test('what could not be read is read again', async () => {
  const reads: (readonly string[])[] = []
  const { promise: isDone, resolve: done } = Promise.withResolvers<void>()
  const commit = follow(async (ids) => {
    reads.push(ids)
    if (reads.length === 1) {
      commit(['b'])
      throw new Error('the store is away')
    }
    done()
  })
  commit(['a'])
  await isDone
  assert.deepEqual(reads[1]?.toSorted(), ['a', 'b'])
})

test('changes of other tables are passed over', async () => {
  let reads = 0
  const commit = follow(async () => void reads++)
  commit(['a'], 'servers')
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(reads, 0)
})
