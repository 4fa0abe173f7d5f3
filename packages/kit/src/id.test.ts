import assert from 'node:assert/strict'
import test from 'node:test'
import { isUuid, mintId, siteCodeOf, undashed } from './id.ts'
import { seededRandom } from './random.ts'

test('an id is a version 4 UUID that names the site which minted it', () => {
  const id = mintId(seededRandom(1), 0xbeef)
  assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-beef[0-9a-f]{8}$/)
  assert.equal(siteCodeOf(id), 0xbeef)
  assert.equal(siteCodeOf(undashed(id)), 0xbeef)
})

test('a text that is no UUID names no site', () => {
  assert.equal(siteCodeOf('m1.small'), undefined)
  assert.equal(isUuid('zzzzzzzz-0000-4000-8000-000000000000'), false)
})

test('equal seeds mint equal ids', () => {
  assert.equal(mintId(seededRandom('a'), 1), mintId(seededRandom('a'), 1))
  assert.notEqual(mintId(seededRandom('a'), 1), mintId(seededRandom('b'), 1))
})
