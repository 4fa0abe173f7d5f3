import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { WorkQueue } from './work-queue.ts'

function watchedQueue(concurrencyMax: number) {
  const started: string[] = []
  const ends = new Map<string, () => void>()
  const queue = new WorkQueue({
    concurrencyMax,
    work: (key) => {
      started.push(key)
      return new Promise((resolve) => ends.set(key, resolve))
    },
  })
  const end = async (key: string) => {
    ends.get(key)?.()
    await new Promise((resolve) => setImmediate(resolve))
  }
  return { queue, started, end }
}

suite('a work queue', () => {
  test('so many keys are worked on at once, in the order in which they came', async () => {
    const { queue, started, end } = watchedQueue(2)
    for (const key of ['a', 'b', 'c', 'd']) queue.add(key)
    assert.deepEqual(started, ['a', 'b'])
    await end('b')
    assert.deepEqual(started, ['a', 'b', 'c'])
  })

  test('a key that was named often before its turn is worked on once', async () => {
    const { queue, started, end } = watchedQueue(1)
    for (const key of ['a', 'b', 'b', 'b', 'c']) queue.add(key)
    for (const key of ['a', 'b', 'c']) await end(key)
    assert.deepEqual(started, ['a', 'b', 'c'])
  })

  test('a key that is named during its own work comes again, and never twice at a time', async () => {
    const { queue, started, end } = watchedQueue(4)
    for (const key of ['a', 'a', 'a', 'b']) queue.add(key)
    assert.deepEqual(started, ['a', 'b'])
    await end('a')
    assert.deepEqual(started, ['a', 'b', 'a'])
    await end('a')
    assert.deepEqual(started, ['a', 'b', 'a'])
  })

  test('a stop waits for what is under way, and nothing more is taken', async () => {
    const { queue, started, end } = watchedQueue(1)
    for (const key of ['a', 'b']) queue.add(key)
    let isStopped = false
    const stopping = queue.stop().then(() => {
      isStopped = true
    })
    queue.add('c')
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal(isStopped, false)
    await end('a')
    await stopping
    assert.deepEqual(started, ['a'])
  })
})
