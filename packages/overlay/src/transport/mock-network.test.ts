import assert from 'node:assert/strict'
import test from 'node:test'
import { seededRandom, systemClock } from '@atoll/kit'
import { VirtualClock } from '../testing.ts'
import type { PeerIdentity } from '../trust/identity.ts'
import { PeerBodyTooLarge } from './errors.ts'
import { type MockLink, MockNetwork } from './mock-network.ts'
import type { MockHandler } from './mock-transport.ts'
import { peerTransportSuite, unreachable } from './peer-transport.suite.ts'

const a: PeerIdentity = { cloud: 'reef', site: 'a', peer: 'peer-1' }
const b: PeerIdentity = { cloud: 'reef', site: 'b', peer: 'peer-1' }
const there = { from: 'a', to: 'b' }
const back = { from: 'b', to: 'a' }
const get = { site: 'b', method: 'GET', path: '/' }

peerTransportSuite('memory', async (handler) => {
  const network = new MockNetwork({ clock: systemClock, random: seededRandom(1) })
  const stop = network.listen(b, handler)
  const transport = network.connect(a)
  return { transport, identity: a, crash: async () => stop(), close: () => transport.close() }
})

function twoSites(options: { link?: Partial<MockLink>; handler?: MockHandler; seed?: number } = {}) {
  const clock = new VirtualClock()
  const { link = { delayMs: 50 }, handler = async () => ({ status: 204 }), seed = 1 } = options
  const network = new MockNetwork({ clock, random: seededRandom(seed), link, bodyBytesMax: 1000 })
  const stop = network.listen(b, handler)
  return { clock, network, stop, transport: network.connect(a) }
}

test('an answer takes the delay there and back, and that is the measured round trip', async () => {
  const { clock, network, transport } = twoSites()
  network.setLink(back, { delayMs: 30 })
  const { status } = await clock.run(transport.request(get))
  assert.equal(status, 204)
  assert.equal(clock.monotonicMs(), 80)
  assert.equal(transport.roundTripMs('b'), 80)
})

test('a site reaches itself at once', async () => {
  const { clock, network } = twoSites()
  await clock.run(network.connect(b).request(get))
  assert.equal(clock.monotonicMs(), 0)
})

test('a request on a cut link was not done, and is given up after the time-out of a ping', async () => {
  const { clock, network, transport } = twoSites()
  const waitMs = transport.timeoutFor('b', 0)
  network.cut(there)
  const detail = await clock.run(unreachable(transport.request(get)))
  assert.deepEqual(detail, { site: 'b', reason: 'no_connection', mayHaveBeenDone: false })
  assert.equal(clock.monotonicMs(), waitMs)
})

test('a cut before the delivery loses the request, even when it heals before', async () => {
  let requests = 0
  const handler = async () => ({ status: 200 + requests++ })
  const { clock, network, transport } = twoSites({ handler })
  clock.after(20, () => network.cut(there))
  clock.after(30, () => network.heal(there))
  const detail = await clock.run(unreachable(transport.request(get)))
  assert.deepEqual(detail, { site: 'b', reason: 'connection_lost', mayHaveBeenDone: false })
  assert.equal(requests, 0)
})

test('a cut after the delivery loses the answer: the request may have been done', async () => {
  let requests = 0
  const handler = async () => ({ status: 200 + requests++ })
  const { clock, network, transport } = twoSites({ handler })
  clock.after(70, () => network.cutBoth('a', 'b'))
  const detail = await clock.run(unreachable(transport.request(get)))
  assert.deepEqual(detail, { site: 'b', reason: 'connection_lost', mayHaveBeenDone: true })
  assert.equal(requests, 1)
})

test('with only the way back cut, the request is done and the answer lost', async () => {
  let requests = 0
  const handler = async () => ({ status: 200 + requests++ })
  const { clock, network, transport } = twoSites({ handler })
  network.cut(back)
  const detail = await clock.run(unreachable(transport.request(get)))
  assert.equal(detail.mayHaveBeenDone, true)
  assert.equal(requests, 1)
})

test('the other direction of a one-way cut still works from its side', async () => {
  const { clock, network } = twoSites()
  network.listen(a, async () => ({ status: 204 }))
  network.cut(there)
  const detail = await clock.run(unreachable(network.connect(b).request({ ...get, site: 'a' })))
  assert.equal(detail.mayHaveBeenDone, true)
})

test('a healed link carries requests again', async () => {
  const { clock, network, transport } = twoSites()
  network.cutBoth('a', 'b')
  await clock.run(unreachable(transport.request(get)))
  network.healBoth('a', 'b')
  assert.equal((await clock.run(transport.request(get))).status, 204)
})

test('a lost request times out, and its sender cannot know', async () => {
  const { clock, transport } = twoSites({ link: { delayMs: 50, loss: 1 } })
  const detail = await clock.run(unreachable(transport.request({ ...get, timeoutMs: 700 })))
  assert.deepEqual(detail, { site: 'b', reason: 'timeout', mayHaveBeenDone: true })
  assert.equal(clock.monotonicMs(), 700)
})

test('a request that was given up on its way is delivered all the same', async () => {
  let requests = 0
  const handler = async () => ({ status: 200 + requests++ })
  const { clock, transport } = twoSites({ handler })
  const detail = await clock.run(unreachable(transport.request({ ...get, timeoutMs: 10 })))
  assert.equal(detail.mayHaveBeenDone, true)
  await clock.run(new Promise<void>((resolve) => clock.after(100, resolve)))
  assert.equal(requests, 1)
})

test('a body above the limit is refused', async () => {
  const { clock, transport } = twoSites()
  const request = transport.request({ ...get, body: Buffer.alloc(1001) })
  await assert.rejects(clock.run(request), PeerBodyTooLarge.is)
})

test('equal seeds give equal runs, other seeds other ones', async () => {
  const history = async (seed: number) => {
    const { clock, transport } = twoSites({ link: { delayMs: 20, jitterMs: 10, loss: 0.3 }, seed })
    const lines: string[] = []
    const requests = Array.from({ length: 50 }, async (_, index) => {
      const outcome = await transport.request({ ...get, timeoutMs: 100 + index }).then(
        ({ status }) => String(status),
        (error: Error) => error.message,
      )
      lines.push(`${index} ${clock.monotonicMs()} ${outcome}`)
    })
    await clock.run(Promise.all(requests))
    return lines
  }
  assert.deepEqual(await history(7), await history(7))
  assert.notDeepEqual(await history(7), await history(8))
})
