import assert from 'node:assert/strict'
import { test } from 'node:test'
import Sqlite from 'better-sqlite3'
import fc from 'fast-check'
import { QueryNotSupported } from '../errors.ts'
import { numberText, numericOrText } from './affinity.ts'
import { compareText } from './value.ts'

const database = new Sqlite(':memory:')
const castToText = database.prepare("select ? || ''").pluck()

test('a real number as text is what SQLite writes', () => {
  const known = [0, 5, -5, 0.1, -1.5, 1e15, 123456789.125, 0.001, 1e16, 9e16]
  for (const number of known) assert.equal(numberText(number, 'real'), castToText.get(number))
  fc.assert(
    fc.property(fc.double({ min: 1e-3, max: 9e16, noNaN: true }), (wide) => {
      const number = -Number(wide.toPrecision(12))
      assert.equal(numberText(number, 'real'), castToText.get(number))
    }),
  )
  assert.throws(() => numberText(1 / 3, 'real'), QueryNotSupported.is)
})

test('text is a number only when all of it is', () => {
  assert.equal(numericOrText(' 1.50 '), 1.5)
  assert.equal(numericOrText('-2e3'), -2000)
  for (const text of ['', ' ', '1a', '0x10', '1e', '.', 'Infinity']) assert.equal(numericOrText(text), text)
})

test('text compares by code point, as UTF-8 does', () => {
  const bytes = (of: string) => Buffer.from(of)
  const text = fc.string({ unit: 'binary', maxLength: 6 })
  fc.assert(
    fc.property(text, text, (left, right) => {
      assert.equal(Math.sign(compareText(left, right)), Buffer.compare(bytes(left), bytes(right)))
    }),
  )
})
