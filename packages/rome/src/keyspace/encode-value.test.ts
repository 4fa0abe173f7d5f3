import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { compareValues, type Value } from '../values/value.ts'
import { BEHIND, encodeKey, encodeNumber, encodeValue } from './encode-value.ts'

const value: fc.Arbitrary<Value> = fc.oneof(
  fc.constant(null),
  fc.double({ noNaN: true }).map((number) => (number === 0 ? 0 : number)),
  fc.integer(),
  fc.string({ unit: 'binary', maxLength: 6 }),
  fc.constantFrom('', '\0', '\u0001', '\0\0', 'a\0b'),
  fc.uint8Array({ maxLength: 5 }),
)
const sign = (number: number) => Math.sign(number)
const order = (left: string, right: string) => (left < right ? -1 : left > right ? 1 : 0)

test('encoded values compare as the values do', () => {
  fc.assert(
    fc.property(value, value, (left, right) => {
      assert.equal(order(encodeValue(left), encodeValue(right)), sign(compareValues(left, right)))
    }),
    { numRuns: 2000 },
  )
})

test('encoded keys compare column by column', () => {
  const pair = fc.tuple(value, value)
  fc.assert(
    fc.property(pair, pair, (left, right) => {
      const expected = compareValues(left[0], right[0]) || compareValues(left[1], right[1])
      assert.equal(order(encodeKey(left), encodeKey(right)), sign(expected))
    }),
    { numRuns: 2000 },
  )
})

test('what continues a key lies between it and what is behind it', () => {
  fc.assert(
    fc.property(value, value, (first, second) => {
      const prefix = encodeValue(first)
      const key = encodeKey([first, second])
      assert.ok(key > prefix && key < prefix + BEHIND)
    }),
  )
})

test('a positive number is its IEEE double with the sign bit turned', () => {
  assert.equal(Buffer.from(encodeNumber(1), 'latin1').toString('hex'), 'bff0000000000000')
  assert.equal(encodeNumber(-0), encodeNumber(0))
})
