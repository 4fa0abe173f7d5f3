import assert from 'node:assert/strict'
import test from 'node:test'
import { Pins } from './pins.ts'

test('a digest is pinned until every group that pinned it has released', async () => {
  const pins = new Pins()
  const [one, other] = [pins.group(), pins.group()]
  await one.pin('a')
  await one.pin('a')
  await other.pin('a')
  one.release()
  assert.equal(pins.has('a'), true)
  other.release()
  other.release()
  assert.equal(pins.has('a'), false)
})

test('a pin that is released while a collection runs holds to its end', async () => {
  const pins = new Pins()
  const group = pins.group()
  await group.pin('a')
  await pins.whileCollecting(async () => {
    group.release()
    assert.equal(await pins.deleteUnpinned('a', () => assert.fail('deleted')), false)
  })
  assert.equal(await pins.deleteUnpinned('a', async () => {}), true)
})

test('who pins what is being deleted waits for the end of the deletion, even a failed one', async () => {
  const pins = new Pins()
  const gate = Promise.withResolvers<void>()
  const deletion = pins.deleteUnpinned('a', () => gate.promise)
  let isPinned = false
  const pinning = pins
    .group()
    .pin('a')
    .then(() => {
      isPinned = true
    })
  await Promise.resolve()
  assert.equal(isPinned, false)
  gate.reject(new Error('disk'))
  await assert.rejects(deletion, /disk/)
  await pinning
})
