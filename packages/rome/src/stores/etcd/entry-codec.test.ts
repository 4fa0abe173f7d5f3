import assert from 'node:assert/strict'
import test from 'node:test'
import type { LogEntry } from '../key-value/key-value-store.ts'
import { decodeEntry, encodeEntry } from './entry-codec.ts'

test('an entry comes back as it went in, whatever bytes it holds', () => {
  const everyByte = String.fromCharCode(...Array.from({ length: 256 }, (_, byte) => byte))
  const entry: LogEntry = {
    position: 7,
    id: 'one',
    firstNumber: 3,
    writes: [
      { space: 'ātoll', key: everyByte, value: `${everyByte}\n{` },
      { space: 'ātoll', key: '', value: '' },
      { space: 'b', key: '\n', value: null },
    ],
    changes: [{ table: 'ātoll', id: '🏝' }],
  }
  assert.deepEqual(decodeEntry(encodeEntry(entry), 7), entry)
})

test('an entry of a version that is not known is not guessed at', () => {
  assert.throws(() => decodeEntry('{"v":2}\n', 1), /version 2/)
})
