import assert from 'node:assert/strict'
import test from 'node:test'
import { BadRequest } from './errors.ts'
import { parseLimit } from './paging.ts'

test('a limit is at most the maximum, which is also what none means', () => {
  assert.deepEqual(
    [undefined, '', '0', '7', 7, '1000000'].map((limit) => parseLimit(limit, 100)),
    [100, 100, 0, 7, 7, 100],
  )
})

for (const limit of ['-1', '1.5', '0x10', '1e2', ' 1', 'NaN', 'x', '9'.repeat(30)]) {
  test(`the limit '${limit}' is no whole number`, () => {
    assert.throws(() => parseLimit(limit, 100), BadRequest.is)
  })
}
