import assert from 'node:assert/strict'
import test from 'node:test'
import { BadRequest } from './errors.ts'
import { parseJson } from './parse-json.ts'

test('JSON is read as it stands', () => {
  const value = { a: [1, 'ä', null, { constructor: '🏝' }] }
  assert.deepEqual(parseJson(Buffer.from(JSON.stringify(value))), value)
})

const refused: readonly [what: string, text: string | Buffer, message: RegExp][] = [
  ['a prototype', '{"a":{"__proto__":{}}}', /'__proto__' was unexpected/],
  ['a prototype in other words', '{"\\u005f_proto__":1}', /'__proto__' was unexpected/],
  ['a NUL in a text', '["a\\u0000"]', /NUL/],
  ['a NUL in a name', '{"\\u0000":1}', /NUL/],
  ['half of a pair', '"\\ud800"', /not valid Unicode/],
  ['half of a pair in a name', '{"\\udc00x":1}', /not valid Unicode/],
]
for (const [what, text, message] of refused) {
  test(`JSON with ${what} is a bad request that says so`, () => {
    assert.throws(
      () => parseJson(Buffer.from(text)),
      (error) => BadRequest.is(error) && message.test(error.message),
    )
  })
}

test('bytes that are no UTF-8 are no JSON', () => {
  assert.throws(() => parseJson(Buffer.from([0x22, 0xff, 0x22])), SyntaxError)
})
