import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { seededRandom } from '@atoll/kit'
import { WanLink, type WanLinkSettings } from './wan-link.ts'

const plain: WanLinkSettings = { delayMs: 25, jitterMs: 0, lossRatio: 0, isCut: false }

function linkOf(settings: Partial<WanLinkSettings> = {}): WanLink {
  return new WanLink({ ...plain, ...settings }, seededRandom('wan-link'))
}

function released(link: WanLink, nowMs: number): readonly number[] {
  const numbers: number[] = []
  link.release(nowMs, (frame) => numbers.push(frame[0] ?? -1))
  return numbers
}

const frame = (number: number) => Uint8Array.of(number)

describe('a link of the WAN', () => {
  test('holds a frame for its delay and not less', () => {
    const link = linkOf()
    link.offer(frame(1), 100)
    assert.equal(link.nextDueMs, 125)
    assert.deepEqual(released(link, 124.9), [])
    assert.deepEqual(released(link, 125), [1])
    assert.equal(link.nextDueMs, Number.POSITIVE_INFINITY)
  })

  test('keeps the order of arrival under jitter, and within the bound of the jitter', () => {
    const link = linkOf({ jitterMs: 50 })
    const sent = Array.from({ length: 100 }, (_, number) => number)
    for (const number of sent) link.offer(frame(number), number)
    assert.ok(link.nextDueMs >= 25 && link.nextDueMs <= 75)
    assert.deepEqual(released(link, 99 + 75), sent)
  })

  test('keeps the order when the delay shrinks', () => {
    const link = linkOf()
    link.offer(frame(1), 0)
    link.change({ delayMs: 1 })
    link.offer(frame(2), 1)
    assert.deepEqual(released(link, 24), [])
    assert.deepEqual(released(link, 25), [1, 2])
  })

  test('loses none at ratio 0, all at ratio 1, and about the ratio between', () => {
    const lostOf1000 = (lossRatio: number) => {
      const link = linkOf({ lossRatio })
      for (let number = 0; number < 1000; number++) link.offer(frame(0), 0)
      return link.counters.lost
    }
    assert.equal(lostOf1000(0), 0)
    assert.equal(lostOf1000(1), 1000)
    const half = lostOf1000(0.5)
    assert.ok(half > 400 && half < 600, `${half} of 1000 lost`)
  })

  test('a cut loses what is on its way and what comes, a heal loses nothing more', () => {
    const link = linkOf()
    link.offer(frame(1), 0)
    link.change({ isCut: true })
    link.offer(frame(2), 1)
    assert.deepEqual(released(link, 1000), [])
    link.change({ isCut: false })
    link.offer(frame(3), 1000)
    assert.deepEqual(released(link, 1025), [3])
    assert.deepEqual(link.counters, { forwarded: 1, lost: 0, cut: 2, overflowed: 0, waiting: 0 })
  })

  test('a full queue refuses frames and counts them', () => {
    const link = linkOf()
    for (let number = 0; number < 20_000; number++) link.offer(frame(0), 0)
    const { waiting, overflowed } = link.counters
    assert.equal(waiting + overflowed, 20_000)
    assert.ok(overflowed > 0)
    assert.equal(released(link, 25).length, waiting)
    link.offer(frame(7), 30)
    assert.deepEqual(released(link, 55), [7])
  })
})
