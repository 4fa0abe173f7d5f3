import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fillHoles, numberInKey } from '../key-value/fill-holes.ts'
import type { Commit } from '../key-value/key-value-store.ts'
import { decodeEntry, tagOf, UnknownSpace, writePieces } from './log-entry.ts'
import { MessageReader, MessageWriter } from './message-pack.ts'
import { SpacePrefixes } from './space-prefix.ts'

const commit: Commit = {
  id: 'commit Ō',
  after: 6,
  reads: { keys: [], ranges: [] },
  writes: [
    {
      space: 't',
      key: 'row\xff',
      value: `{"seq":${' '.repeat(16)}}`,
      holes: [{ in: 'value', offset: 7, number: 1 }],
    },
    {
      space: 't(seq)',
      key: `${' '.repeat(16)}row\x00\x03`,
      value: '',
      holes: [
        { in: 'key', offset: 8, number: 1 },
        { in: 'key', offset: 0, number: 0 },
      ],
    },
    { space: 't', key: 'gone', value: null, holes: [] },
  ],
  numbers: 2,
  changes: [{ table: 't', id: 'rōw' }],
}

/** What the script makes of the pieces: see `fill`. */
function stored(firstNumber: number, prefixes: SpacePrefixes): Buffer {
  const writer = new MessageWriter()
  writePieces(writer, commit, prefixes)
  const reader = new MessageReader(writer.finish())
  const pieces = Array.from({ length: reader.array() }, (_, index) => {
    if (index % 2 === 0) return reader.bytes()
    const hole = reader.number()
    const number = firstNumber + (hole >> 1)
    return hole % 2 === 1 ? String(number).padStart(16) : numberInKey(number)
  })
  const head = Buffer.alloc(8)
  head.writeDoubleBE(firstNumber)
  return Buffer.from(tagOf(commit.id) + head.toString('latin1') + pieces.join(''), 'latin1')
}

test('an entry that a script has put together is the commit with its numbers', () => {
  const prefixes = new SpacePrefixes()
  const { tag, entry } = decodeEntry(stored(41, prefixes), 7, prefixes)
  assert.equal(tag, tagOf(commit.id))
  assert.deepEqual(entry, {
    position: 7,
    id: commit.id,
    firstNumber: 41,
    writes: fillHoles(commit.writes, 41),
    changes: commit.changes,
  })
})

test('a client that has not heard of a space of an entry is told so', () => {
  const bytes = stored(1, new SpacePrefixes())
  const stranger = new SpacePrefixes()
  assert.throws(() => decodeEntry(bytes, 1, stranger), UnknownSpace)
  stranger.prefixOf('t')
  stranger.prefixOf('t(seq)')
  assert.equal(decodeEntry(bytes, 1, stranger).entry.writes.length, 3)
})

test('two spaces with one prefix are refused', () => {
  const prefixes = new SpacePrefixes()
  prefixes.learn(prefixes.prefixOf('t'), 't')
  assert.throws(() => prefixes.learn(prefixes.prefixOf('t'), 'another'), { name: 'AssertionFailed' })
})
