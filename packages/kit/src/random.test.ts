import assert from 'node:assert/strict'
import test from 'node:test'
import { systemRandom } from './random.ts'

test('no bytes are handed out twice, and nobody holds those of another', () => {
  const lengths = [16, 0, 32, 4096, 5000, ...Array.from({ length: 600 }, () => 16)]
  const drawn = lengths.map((length) => systemRandom.bytes(length))
  assert.deepEqual(
    drawn.map(({ length }) => length),
    lengths,
  )
  const words = drawn.filter(({ length }) => length >= 16).map((bytes) => Buffer.from(bytes).toString('hex'))
  assert.equal(new Set(words).size, words.length)
  assert.ok(words.every((word) => !word.startsWith('0'.repeat(32))))
  const [first, , second] = drawn
  first?.fill(0)
  assert.equal(Buffer.from(second ?? []).toString('hex'), words[1])
})
