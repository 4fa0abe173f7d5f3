/** The end of a text, by lines. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lastLines } from './last-lines.ts'

for (const [text, count, expected] of [
  ['a\nb\nc\n', 1, 'c\n'],
  ['a\nb\nc\n', 2, 'b\nc\n'],
  ['a\nb\nc', 1, 'c'],
  ['a\nb\nc', 3, 'a\nb\nc'],
  ['a\nb\nc', 9, 'a\nb\nc'],
  ['a\n\n', 1, '\n'],
  ['\n', 1, '\n'],
  ['', 1, ''],
  ['a\nb', 0, ''],
] as const) {
  test(`the last ${count} lines of ${JSON.stringify(text)} are ${JSON.stringify(expected)}`, () => {
    assert.equal(lastLines(text, count), expected)
  })
}
