import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { Errands } from './errands.ts'

function watchedErrands() {
  const ended: string[] = []
  const errands = new Errands<{ readonly value: number }>({ onEnd: (key) => ended.push(key) })
  const turn = () => new Promise((resolve) => setImmediate(resolve))
  return { errands, ended, turn }
}

suite('errands', () => {
  test('an outcome is told once it is there, and taken once', async () => {
    const { errands, ended, turn } = watchedErrands()
    let runs = 0
    const take = () => errands.take('vm', 'fetch', async () => ({ value: ++runs }))
    assert.equal(take(), undefined)
    assert.equal(take(), undefined)
    await turn()
    assert.deepEqual(ended, ['vm'])
    assert.deepEqual(take(), { value: 1 })
    assert.equal(take(), undefined)
    await turn()
    assert.deepEqual(take(), { value: 2 })
  })

  test('a failure is thrown once, and the next time it is tried again', async () => {
    const { errands, turn } = watchedErrands()
    const failing = () => errands.take('vm', 'fetch', () => Promise.reject(new Error('no')))
    failing()
    await turn()
    assert.throws(failing, /no/)
    assert.equal(failing(), undefined)
    await turn()
  })

  test('an errand whose purpose is past, or that is forgotten, ends unheard', async () => {
    const { errands, ended, turn } = watchedErrands()
    const { promise, resolve } = Promise.withResolvers<{ value: number }>()
    errands.take('vm', 'old', () => promise)
    errands.take('vm', 'new', () => Promise.resolve({ value: 2 }))
    resolve({ value: 1 })
    await turn()
    assert.deepEqual(ended, ['vm'])
    assert.deepEqual(
      errands.take('vm', 'new', () => promise),
      { value: 2 },
    )
    errands.take('other', 'new', () => promise)
    errands.forget('other')
    await turn()
    assert.deepEqual(ended, ['vm'])
  })
})
