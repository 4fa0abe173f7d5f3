import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { GuestStartFailed, StaleFence } from '@atoll/hypervisor'
import { defineError } from '@atoll/kit'
import { NotHome } from '@atoll/state'
import { JumpingClock } from '../testing/jumping-clock.ts'
import { Attempts, PATIENCE_MS } from './attempts.ts'

const Unreachable = defineError<object>({
  code: 'test.attempts.unreachable',
  status: 503,
  fault: 'serviceUnavailable',
  message: () => 'not now',
})
const Gone = defineError<object>({
  code: 'test.attempts.gone',
  status: 404,
  fault: 'itemNotFound',
  message: () => 'gone',
})

function attempts() {
  const clock = new JumpingClock()
  const kept = new Attempts(clock)
  const failUntilGivenUp = (error: unknown) => {
    const pauses: number[] = []
    for (;;) {
      const { isGivenUp, pauseMs } = kept.failed('vm', 'wish', error)
      pauses.push(pauseMs)
      if (isGivenUp || pauses.length > 100) return pauses
      clock.advance(pauseMs)
    }
  }
  return { clock, kept, failUntilGivenUp }
}

suite('attempts', () => {
  test('what nobody can explain is tried four times, ever more slowly', () => {
    const error = GuestStartFailed({ id: 'vm', reason: 'no' })
    assert.deepEqual(attempts().failUntilGivenUp(error), [1000, 2000, 4000, 8000])
    assert.equal(attempts().failUntilGivenUp(new Error('no')).length, 4)
  })

  test('what passes by itself is waited for with patience, at least once a minute', () => {
    for (const error of [Unreachable({}), NotHome({ table: 'ports', id: 'p', home: 'there' })]) {
      const { clock, failUntilGivenUp } = attempts()
      const pauses = failUntilGivenUp(error)
      assert.ok(clock.monotonicMs() >= PATIENCE_MS && clock.monotonicMs() < PATIENCE_MS + 60_000)
      assert.equal(Math.max(...pauses), 60_000)
    }
  })

  test('what cannot change is not tried again', () => {
    for (const error of [Gone({}), StaleFence({ id: 'vm', fence: 1, fenceKnown: 2 })]) {
      assert.equal(attempts().failUntilGivenUp(error).length, 1)
    }
  })

  test('a new wish is tried at once and counted anew', () => {
    const { kept, failUntilGivenUp } = attempts()
    failUntilGivenUp(new Error('no'))
    assert.ok(kept.waitMs('vm', 'wish') > 0)
    assert.equal(kept.waitMs('vm', 'another'), 0)
    assert.equal(kept.waitMs('other vm', 'wish'), 0)
    assert.equal(kept.failed('vm', 'another', new Error('no')).failures, 1)
  })

  test('a start that comes undone at once is repeated at once, then ever more slowly', () => {
    const { clock, kept } = attempts()
    const waits = Array.from({ length: 9 }, () => {
      kept.worked('vm', 'wish')
      const waitMs = kept.waitMs('vm', 'wish')
      clock.advance(waitMs)
      return waitMs
    })
    assert.deepEqual(waits, [0, 1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000])
  })

  test('a guest that ran for long is started at once when it ends', () => {
    const { clock, kept } = attempts()
    for (let count = 0; count < 5; count++) kept.worked('vm', 'wish')
    clock.advance(3_600_000)
    kept.worked('vm', 'wish')
    assert.equal(kept.waitMs('vm', 'wish'), 0)
  })

  test('failures are forgotten when something works', () => {
    const { kept } = attempts()
    for (let count = 0; count < 3; count++) kept.failed('vm', 'wish', new Error('no'))
    kept.passed('vm', 'wish')
    assert.equal(kept.failed('vm', 'wish', new Error('no')).failures, 1)
  })
})
