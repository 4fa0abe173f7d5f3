import assert from 'node:assert/strict'
import test from 'node:test'
import { Type } from 'typebox'
import { validateBody, validateQuery } from './validate.ts'

const schema = Type.Object({ limit: Type.Array(Type.Integer()) })

test('a refusal names the parameter of a query, and the last name of a place in a body, as Nova does', () => {
  const wrong = { limit: ['x'] }
  const rest = "Value: x. 'x' is not of type 'integer'"
  assert.throws(() => validateQuery(schema, structuredClone(wrong)), {
    message: `Invalid input for query parameters limit. ${rest}`,
  })
  assert.throws(() => validateBody(schema, structuredClone(wrong)), {
    message: `Invalid input for field/attribute 0. ${rest}`,
  })
})
