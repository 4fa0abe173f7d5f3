import assert from 'node:assert/strict'
import test from 'node:test'
import { TooBusy } from '@atoll/kit'
import { ConflictWindow } from './conflict-window.ts'

const open = (concurrencyMax: number, waitingMax = 10) =>
  new ConflictWindow({ what: 'the store', concurrencyMax, waitingMax })

/** How many places are free: enters until it would wait. */
async function free(window: ConflictWindow): Promise<number> {
  for (let count = 0; ; count++) {
    let isIn = false
    void window.enter().then(() => {
      isIn = true
    })
    await new Promise((resolve) => setImmediate(resolve))
    if (!isIn) return count
  }
}

test('all places are free at first', async () => {
  assert.equal(await free(open(4)), 4)
})

test('a conflict halves the window, and successes widen it again', async () => {
  const window = open(8)
  await window.enter()
  window.leave('conflict')
  await window.enter()
  window.leave('conflict')
  for (let times = 0; times < 2; times++) {
    await window.enter()
    window.leave('done')
  }
  assert.equal(await free(window), 2)
  for (let times = 0; times < 2; times++) window.leave('done')
})

test('one place is left after any number of conflicts', async () => {
  const window = open(8)
  for (let times = 0; times < 20; times++) {
    await window.enter()
    window.leave('conflict')
  }
  assert.equal(await free(window), 1)
})

test('whoever waits beyond the bound is refused', async () => {
  const window = open(1, 1)
  await window.enter()
  void window.enter()
  await assert.rejects(window.enter(), TooBusy.is)
})
