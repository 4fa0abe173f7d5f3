/** A commit: all of it or nothing, refused when somebody touched what it had read. */

import assert from 'node:assert/strict'
import type { ReadSet, Write } from '../stores/key-value/key-value-store.ts'
import {
  commitOf,
  keysOf,
  positionOf,
  put,
  range,
  remove,
  settle,
  values,
  write,
} from './key-value-harness.ts'
import type { Fact, FactStore } from './key-value-suite.ts'

const key = (name: string): ReadSet => ({ keys: [{ space: 'a', key: name }], ranges: [] })
const between = (from: string, to: string): ReadSet => ({ keys: [], ranges: [{ space: 'a', from, to }] })

/** What was read, what somebody else then wrote, and whether that is a conflict. */
const RACES: readonly (readonly [string, ReadSet, Write, boolean])[] = [
  ['a key that was changed', key('c'), put('a', 'c', 'new'), true],
  ['a key that was written as it was', key('c'), put('a', 'c', 'C'), true],
  ['a key that was deleted', key('c'), remove('a', 'c'), true],
  ['a key that was absent and came', key('x'), put('a', 'x', 'new'), true],
  ['a key that was absent and was deleted once more', key('x'), remove('a', 'x'), true],
  ['another key', key('c'), put('a', 'b', 'new'), false],
  ['the same key of another space', key('c'), put('b', 'c', 'new'), false],
  ['a key of a range that was changed', between('b', 'd'), put('a', 'c', 'new'), true],
  ['a key of a range that was deleted', between('b', 'd'), remove('a', 'c'), true],
  ['a phantom in a range', between('b', 'd'), put('a', 'bb', 'new'), true],
  ['a phantom in a range that was empty', between('x', 'y'), put('a', 'xx', 'new'), true],
  ['the first key of a range', between('c', 'd'), put('a', 'c', 'new'), true],
  ['the end of a range', between('b', 'c'), put('a', 'c', 'new'), false],
  ['a range of another space', between('b', 'd'), put('b', 'c', 'new'), false],
]

export function commitFacts(fact: Fact): void {
  raceFacts(fact)
  repeatFacts(fact)
  absenceFacts(fact)
  manyAbsencesFacts(fact)

  fact('a commit that writes nothing is heard of all the same', async ({ store, another }) => {
    const changes = [{ table: 'something', id: '{"happened":"\\u0000 ÿ"}' }]
    const outcome = await settle(store, commitOf({ changes }))
    assert.equal(outcome.kind, 'committed')
    const { entries } = await (await another()).look({ after: 0, keys: [], ranges: [] })
    assert.deepEqual(
      entries?.map((entry) => [entry.writes, entry.changes]),
      [[[], changes]],
    )
  })

  fact('all writes of a commit are seen together, or none', async ({ store, another }) => {
    const accounts = Array.from({ length: 8 }, (_, index) => ({
      space: `s${index % 3}`,
      key: `account-${index}`,
    }))
    await write(store, ...accounts.map(({ space, key: name }) => put(space, name, '100')))
    const [mover, reader] = [await another(), await another()]
    let isMoving = true
    const moving = (async () => {
      for (let round = 0; round < 30; round++) {
        const [from, to] = [accounts[round % 8], accounts[(round * 3 + 1) % 8]]
        if (!from || !to || from === to) continue
        const sight = await mover.look({ after: null, keys: [from, to], ranges: [] })
        const [left, right] = sight.values.map(Number)
        const writes = [
          put(from.space, from.key, String((left ?? 0) - 7)),
          put(to.space, to.key, String((right ?? 0) + 7)),
        ]
        const reads = { keys: [from, to], ranges: [] }
        await settle(mover, commitOf({ after: sight.position, reads, writes }))
      }
      isMoving = false
    })()
    do {
      const sums = (await values(reader, ...accounts)).reduce((sum, value) => sum + Number(value), 0)
      assert.equal(sums, 800)
    } while (isMoving)
    await moving
  })

  fact('what many clients add one by one adds up', async ({ store, another }) => {
    const counter = { space: 'counters', key: 'hits' }
    const clients = [store, await another(), await another(), await another()]
    const add = async (client: (typeof clients)[number]) => {
      for (let tries = 0; tries < 1000; tries++) {
        const sight = await client.look({ after: null, keys: [counter], ranges: [] })
        const writes = [put(counter.space, counter.key, String(Number(sight.values[0]) + 1))]
        const reads = { keys: [counter], ranges: [] }
        const outcome = await settle(client, commitOf({ after: sight.position, reads, writes }))
        if (outcome.kind === 'committed') return
      }
      assert.fail('a thousand conflicts')
    }
    await Promise.all(
      clients.map(async (client) => {
        for (let times = 0; times < 8; times++) await add(client)
      }),
    )
    assert.deepEqual(await values(store, counter), ['32'])
  })
}

function raceFacts(fact: Fact): void {
  for (const [what, reads, theirs, isConflict] of RACES)
    fact(`${what}: ${isConflict ? 'a conflict, and nothing is written' : 'no conflict'}`, async (given) => {
      await race(given, reads, theirs, isConflict)
    })

  fact('commits before the position of a transaction do not count', async ({ store }) => {
    await write(store, put('a', 'c', 'C'))
    const after = await write(store, put('a', 'c', 'D'))
    const outcome = await settle(store, commitOf({ after, reads: key('c'), writes: [put('a', 'c', 'E')] }))
    assert.equal(outcome.kind, 'committed')
    assert.equal(outcome.position, after + 1)
  })

  fact('a commit hears of all that came since, and of itself at the end', async ({ store, another }) => {
    const after = await positionOf(store)
    await write(await another(), put('a', 'x', '1'))
    const commit = commitOf({ after, reads: key('y'), writes: [put('a', 'y', '2')] })
    const outcome = await settle(store, commit)
    assert.ok(outcome.kind === 'committed' && outcome.entries)
    assert.equal(outcome.at, outcome.position)
    assert.deepEqual(outcome.entries.at(-1), {
      position: outcome.at,
      id: commit.id,
      firstNumber: outcome.firstNumber,
      writes: [{ space: 'a', key: 'y', value: '2' }],
      changes: [],
    })
  })
}

async function race(given: FactStore, reads: ReadSet, theirs: Write, isConflict: boolean): Promise<void> {
  const { store, another } = given
  const after = await write(store, ...['b', 'c', 'd'].map((name) => put('a', name, name.toUpperCase())))
  await write(await another(), theirs)
  const commit = commitOf({ after, reads, writes: [put('mine', 'k', 'v'), remove('a', 'd')] })
  const outcome = await settle(store, commit)
  assert.equal(outcome.kind, isConflict ? 'conflict' : 'committed')
  assert.deepEqual(await values(store, { space: 'mine', key: 'k' }), [isConflict ? null : 'v'])
  assert.equal((await keysOf(store, range('a', 'd', 'd\x00'))).length, isConflict ? 1 : 0)
  assert.equal(outcome.position, await positionOf(store))
  if (!isConflict) return
  const [entry] = outcome.entries ?? []
  assert.deepEqual(entry?.writes, [{ space: theirs.space, key: theirs.key, value: theirs.value }])
  const again = await settle(store, commit)
  assert.equal(again.kind, 'conflict', 'a refusal is final')
}

function absenceFacts(fact: Fact): void {
  fact('a store that looks for absence refuses what is there, and no more', async ({ store }) => {
    if (!store.looksForAbsence) return
    const after = await write(store, put('a', 'c', 'C'))
    const tryIt = async (absent: ReadSet, name: string) => {
      const commit = commitOf({ after, reads: absent, absent, writes: [put('mine', name, 'v')] })
      return (await settle(store, commit)).kind
    }
    assert.equal(await tryIt(key('c'), 'k1'), 'conflict')
    assert.equal(await tryIt(between('b', 'd'), 'k2'), 'conflict')
    assert.equal(await tryIt(between('c', 'd'), 'k3'), 'conflict')
    assert.equal(await tryIt(between('b', 'c'), 'k4'), 'committed')
    assert.equal(await tryIt({ ...key('b'), ranges: between('c\x00', 'z').ranges }, 'k5'), 'committed')
    const found = await keysOf(store, range('mine', 'k', 'l'))
    assert.deepEqual(found, ['k4', 'k5'])
  })
}

function manyAbsencesFacts(fact: Fact): void {
  fact('as much may be expected to be absent as may have been read', async ({ store }) => {
    if (!store.looksForAbsence) return
    const half = Math.min(200, Math.floor(store.limits.readsMax / 2))
    const name = (index: number) => `${index}`.padStart(6, '0')
    const absent: ReadSet = {
      keys: Array.from({ length: half }, (_, index) => ({ space: 'b', key: name(index) })),
      ranges: Array.from({ length: half }, (_, index) => ({
        space: 'c',
        from: name(2 * index),
        to: name(2 * index + 1),
      })),
    }
    const tryIt = async () => {
      const commit = { after: await positionOf(store), reads: absent, absent, writes: [put('a', 'k', 'v')] }
      return (await settle(store, commitOf(commit))).kind
    }
    assert.equal(await tryIt(), 'committed')
    await write(store, put('c', `${name(2 * half - 2)}5`, 'there'))
    assert.equal(await tryIt(), 'conflict')
    await write(store, remove('c', `${name(2 * half - 2)}5`))
    await write(store, put('b', name(half - 1), 'there'))
    assert.equal(await tryIt(), 'conflict')
  })
}

function repeatFacts(fact: Fact): void {
  fact('a commit that is asked again is not done again, even after others', async ({ store, another }) => {
    const other = await another()
    const commit = commitOf({ writes: [put('a', 'k', 'mine')], numbers: 2 })
    const first = await settle(store, commit)
    assert.ok(first.kind === 'committed')
    await write(store, put('a', 'k', 'later'))
    const second = await other.commit(commit)
    assert.ok(second.kind === 'committed')
    assert.deepEqual([second.at, second.firstNumber], [first.at, first.firstNumber])
    assert.equal(second.position, first.at + 1)
    assert.deepEqual(
      second.entries?.map(({ position }) => position),
      [first.at, first.at + 1],
    )
    assert.deepEqual(await values(store, { space: 'a', key: 'k' }), ['later'])
  })

  fact('a commit that is asked twice at the same time is done once', async ({ store, another }) => {
    const other = await another()
    const after = await positionOf(store)
    const commit = commitOf({ after, reads: key('k'), writes: [put('a', 'k', 'v')] })
    const outcomes = await Promise.all([store.commit(commit), other.commit(commit), store.commit(commit)])
    const positions = outcomes.map((outcome) => (outcome.kind === 'committed' ? outcome.at : outcome.kind))
    assert.deepEqual(positions, [after + 1, after + 1, after + 1])
    assert.equal(await positionOf(store), after + 1)
  })
}
