/** Numbers of commits: given in the order of the log, and filled into keys and values. */

import assert from 'node:assert/strict'
import { numberInKey } from '../stores/key-value/fill-holes.ts'
import type { Commit, Write } from '../stores/key-value/key-value-store.ts'
import { commitOf, keysOf, put, range, settle, values } from './key-value-harness.ts'
import type { Fact } from './key-value-suite.ts'

const blank = '\x00'.repeat(8)

/** A row and an index entry that carry number `number` of their commit. */
const numbered = (name: string, number: number): Write[] => [
  { space: 't', key: name, value: `{"seq":${'0'.repeat(16)}}`, holes: [{ in: 'value', offset: 7, number }] },
  {
    space: 't(seq)',
    key: `>${blank}${name}\x00\x01`,
    value: '',
    holes: [{ in: 'key', offset: 1, number }],
  },
]

const commitNumbered = (names: readonly string[], rest: Partial<Commit> = {}): Commit =>
  commitOf({ writes: names.flatMap(numbered), numbers: names.length, ...rest })

export function numberFacts(fact: Fact): void {
  fact('the first number is 1, and numbers fill the holes of keys and values', async ({ store }) => {
    const outcome = await settle(store, commitNumbered(['x', 'y']))
    assert.ok(outcome.kind === 'committed')
    assert.deepEqual([outcome.firstNumber, outcome.number], [1, 2])
    const rows = await values(store, { space: 't', key: 'x' }, { space: 't', key: 'y' })
    assert.deepEqual(rows, [`{"seq":${'1'.padStart(16)}}`, `{"seq":${'2'.padStart(16)}}`])
    assert.deepEqual(await keysOf(store, range('t(seq)', '>', '?')), [
      `>${numberInKey(1)}x\x00\x01`,
      `>${numberInKey(2)}y\x00\x01`,
    ])
    const writes = outcome.entries?.at(-1)?.writes ?? []
    assert.deepEqual([...writes].map(({ key }) => key).sort(), [
      `>${numberInKey(1)}x\x00\x01`,
      `>${numberInKey(2)}y\x00\x01`,
      'x',
      'y',
    ])
    assert.ok(writes.some(({ value }) => value === `{"seq":${'2'.padStart(16)}}`))
  })

  fact('several holes of one write are filled, each with its own number', async ({ store }) => {
    const value = `${'0'.repeat(16)}/${'0'.repeat(16)}`
    const holes = [
      { in: 'value', offset: 0, number: 1 },
      { in: 'value', offset: 17, number: 0 },
      { in: 'key', offset: 0, number: 1 },
    ] as const
    await settle(store, commitOf({ writes: [{ space: 'a', key: `${blank}!`, value, holes }], numbers: 2 }))
    const found = await values(store, { space: 'a', key: `${numberInKey(2)}!` })
    assert.deepEqual(found, [`${'2'.padStart(16)}/${'1'.padStart(16)}`])
  })

  fact('numbers go on where the latest commit ended, whoever made it', async ({ store, another }) => {
    await settle(store, commitNumbered(['a', 'b', 'c']))
    await settle(store, commitOf({ after: 1, writes: [put('t', 'plain', '')] }))
    const outcome = await settle(await another(), commitNumbered(['d'], { after: 2 }))
    assert.ok(outcome.kind === 'committed')
    assert.equal(outcome.firstNumber, 4)
    const { number } = await store.look({ after: null, keys: [], ranges: [] })
    assert.equal(number, 4)
  })

  fact(
    'numbers of commits at the same time have the order of the log and no gaps',
    async ({ store, another }) => {
      const clients = [store, await another(), await another()]
      const outcomes = await Promise.all(
        clients.flatMap((client, index) =>
          ['1', '2', '3'].map((name) =>
            settle(client, commitNumbered([`${index}${name}`, `${index}${name}+`])),
          ),
        ),
      )
      const given = outcomes.map((outcome) => {
        assert.ok(outcome.kind === 'committed')
        return [outcome.at, outcome.firstNumber] as const
      })
      assert.deepEqual(
        given.sort(([left], [right]) => left - right),
        Array.from({ length: 9 }, (_, index) => [index + 1, 2 * index + 1]),
      )
    },
  )

  fact('a refused commit takes no number', async ({ store }) => {
    await settle(store, commitOf({ writes: [put('a', 'k', 'v')] }))
    const reads = { keys: [{ space: 'a', key: 'k' }], ranges: [] }
    const refused = await settle(store, commitNumbered(['x', 'y'], { after: 0, reads }))
    assert.equal(refused.kind, 'conflict')
    const outcome = await settle(store, commitNumbered(['z'], { after: 1 }))
    assert.ok(outcome.kind === 'committed')
    assert.equal(outcome.firstNumber, 1)
  })
}
