/** A look: points, ranges, rows of an index, and news, as of one position. */

import assert from 'node:assert/strict'
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
import type { Fact } from './key-value-suite.ts'

const everyByte = String.fromCharCode(...Array.from({ length: 256 }, (_, byte) => byte))

export function lookFacts(fact: Fact): void {
  fact('an empty store is at position 0, has given no number, and has no news', async ({ store }) => {
    const sight = await store.look({
      after: null,
      keys: [{ space: 'a', key: 'k' }],
      ranges: [range('a', 'a', 'z')],
    })
    assert.deepEqual(sight, {
      position: 0,
      number: 0,
      entries: [],
      values: [null],
      ranges: [{ keys: [], values: [], isComplete: true }],
    })
  })

  fact('points are answered in the order asked, and what is absent is null', async ({ store }) => {
    await write(store, put('a', 'k1', 'one'), put('a', 'k2', ''), put('b', 'k1', 'other space'))
    const keys = [
      { space: 'b', key: 'k1' },
      { space: 'a', key: 'k3' },
      { space: 'a', key: 'k2' },
      { space: 'a', key: 'k1' },
      { space: 'a', key: 'k1' },
    ]
    assert.deepEqual(await values(store, ...keys), ['other space', null, '', 'one', 'one'])
  })

  fact('keys and values may hold every byte, and keys order as their bytes do', async ({ store }) => {
    const keys = everyByte.split('').flatMap((byte) => [byte, `${byte}\x00`, `${byte}\xff`])
    await write(store, ...keys.map((key) => put('bytes', key, `${key}${everyByte}`)))
    assert.deepEqual(await values(store, { space: 'bytes', key: '\x00' }), [`\x00${everyByte}`])
    const found: string[] = []
    for (let from = ''; from !== '\xff\xff'; ) {
      const next = await keysOf(store, range('bytes', from, '\xff\xff'))
      if (next.length === 0) break
      found.push(...next)
      from = `${next.at(-1)}\x00`
    }
    assert.deepEqual(found, [...keys].sort().slice(0, -1))
  })

  fact('a range holds its first key and not its end', async ({ store }) => {
    await write(store, put('a', 'b', '1'), put('a', 'c', '2'), put('a', 'd', '3'))
    assert.deepEqual(await keysOf(store, range('a', 'b', 'd')), ['b', 'c'])
    assert.deepEqual(await keysOf(store, range('a', 'b', 'd\x00')), ['b', 'c', 'd'])
    assert.deepEqual(await keysOf(store, range('a', 'c', 'c')), [])
    assert.deepEqual(await keysOf(store, range('a', 'd', 'b')), [])
  })

  fact('a range is cut after its limit, counted from the end where it begins', async ({ store }) => {
    await write(store, ...['a', 'b', 'c', 'd', 'e'].map((key) => put('s', key, key.toUpperCase())))
    const requests = [
      range('s', 'a', 'z', { limit: 2 }),
      range('s', 'a', 'z', { limit: 2, isReversed: true }),
      range('s', 'b', 'e', { limit: 3 }),
      range('s', 'b', 'e', { limit: 3, isReversed: true }),
      range('s', 'b', 'e', { limit: 2, isReversed: true }),
    ]
    const { ranges } = await store.look({ after: null, keys: [], ranges: requests })
    assert.deepEqual(ranges, [
      { keys: ['a', 'b'], values: ['A', 'B'], isComplete: false },
      { keys: ['e', 'd'], values: ['E', 'D'], isComplete: false },
      { keys: ['b', 'c', 'd'], values: ['B', 'C', 'D'], isComplete: true },
      { keys: ['d', 'c', 'b'], values: ['D', 'C', 'B'], isComplete: true },
      { keys: ['d', 'c'], values: ['D', 'C'], isComplete: false },
    ])
  })

  fact('an index brings the rows that its keys stand for', async ({ store }) => {
    const entry = (value: string, key: string) => `${value}${key}\x00${String.fromCharCode(key.length)}`
    await write(
      store,
      put('t', 'key-1', 'row 1'),
      put('t', 'k2', 'row 2'),
      put('t', 'k3', 'row 3'),
      put('t(c)', entry('x', 'k2'), ''),
      put('t(c)', entry('x', 'key-1'), ''),
      put('t(c)', entry('y', 'k3'), ''),
    )
    const request = range('t(c)', 'x', 'y', { rowsOf: 't' })
    const { ranges } = await store.look({
      after: null,
      keys: [],
      ranges: [request, { ...request, limit: 1, isReversed: true }],
    })
    assert.deepEqual(ranges, [
      { keys: [entry('x', 'k2'), entry('x', 'key-1')], values: ['row 2', 'row 1'], isComplete: true },
      { keys: [entry('x', 'key-1')], values: ['row 1'], isComplete: false },
    ])
  })

  fact(
    'news are the commits since a position, in order, as others will hear of them',
    async ({ store, another }) => {
      const other = await another()
      await write(store, put('a', 'k', 'before'))
      const known = await positionOf(store)
      const first = commitOf({
        after: known,
        writes: [put('a', 'k', 'v')],
        changes: [{ table: 'a', id: 'ātōll 🏝' }],
      })
      await settle(store, first)
      const second = commitOf({ after: known + 1, writes: [remove('a', 'k'), put('b', 'l', '')] })
      await settle(store, second)
      const { entries, position } = await other.look({ after: known, keys: [], ranges: [] })
      assert.equal(position, known + 2)
      assert.deepEqual(
        entries?.map((entry) => ({
          ...entry,
          writes: [...entry.writes].sort(bySpace),
        })),
        [
          {
            position: known + 1,
            id: first.id,
            firstNumber: 1,
            writes: [{ space: 'a', key: 'k', value: 'v' }],
            changes: first.changes,
          },
          {
            position: known + 2,
            id: second.id,
            firstNumber: 1,
            writes: [
              { space: 'a', key: 'k', value: null },
              { space: 'b', key: 'l', value: '' },
            ],
            changes: [],
          },
        ],
      )
      const nothing = await other.look({ after: position, keys: [], ranges: [] })
      assert.deepEqual(nothing.entries, [])
    },
  )

  fact(
    'a position that the store has not reached yet has no news, but the advice to forget',
    async ({ store }) => {
      await write(store, put('a', 'k', 'v'))
      const { entries } = await store.look({ after: 1_000, keys: [], ranges: [] })
      assert.equal(entries, null)
    },
  )
}

function bySpace(left: { space: string }, right: { space: string }): number {
  return left.space < right.space ? -1 : 1
}
