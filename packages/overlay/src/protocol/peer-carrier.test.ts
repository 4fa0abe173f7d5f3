import assert from 'node:assert/strict'
import test from 'node:test'
import { seededRandom } from '@atoll/kit'
import { VirtualClock } from '../testing.ts'
import { MockNetwork } from '../transport/mock-network.ts'
import type { Contact } from './contact.ts'
import { MESSAGE_BYTES_MAX, type Message } from './message.ts'
import { OVERLAY_PATH, PeerCarrier, type PeerCarrierSettings } from './peer-carrier.ts'

function twoSites(settings: Partial<PeerCarrierSettings> = {}) {
  const clock = new VirtualClock()
  const network = new MockNetwork({ clock, random: seededRandom(1), link: { delayMs: 10 } })
  let requests = 0
  const make = (site: string) => {
    const identity = { cloud: 'reef', site, peer: 'peer-1' }
    const self: Contact = { site, addresses: [{ host: `${site}.example`, port: 8775 }] }
    const seen: { from: Contact; message: Message }[] = []
    const carrier: PeerCarrier = new PeerCarrier({
      transport: network.connect(identity),
      self: () => self,
      receive: (from, message) => {
        seen.push({ from, message })
        if (message.type === 'test.ping') carrier.send(from, { type: 'test.pong', version: 1 })
      },
      settings,
    })
    network.listen(identity, async (sender, { path, body }) => {
      assert.equal(path, OVERLAY_PATH)
      requests++
      return { status: 200, body: carrier.accept(sender.site, body) }
    })
    return { self, carrier, seen }
  }
  const [east, west] = [make('east'), make('west')]
  /** Lets time pass until nothing is under way any more. */
  const settle = async () => {
    for (let turn = 0; turn < 400; turn++) {
      await new Promise((resolve) => setImmediate(resolve))
      clock.advance(1)
    }
  }
  return { clock, network, east, west, settle, requests: () => requests }
}

const ping: Message = { type: 'test.ping', version: 1 }
const typesOf = (seen: readonly { message: Message }[]) => seen.map(({ message }) => message.type)

test('a datagram arrives with its verified sender, and what is answered at once comes back with the answer', async () => {
  const { east, west, settle, requests } = twoSites()
  east.carrier.send(west.self, { ...ping, later: { field: true } } as Message)
  await settle()
  assert.deepEqual(west.seen[0]?.from, east.self)
  assert.deepEqual(west.seen[0]?.message, { ...ping, later: { field: true } })
  assert.deepEqual(typesOf(east.seen), ['test.pong'])
  assert.equal(requests(), 1)
})

test('what waits for a site travels together, in order', async () => {
  const { east, west, settle, requests } = twoSites()
  for (let count = 0; count < 20; count++) east.carrier.send(west.self, { type: `test.${count}`, version: 1 })
  await settle()
  assert.deepEqual(
    typesOf(west.seen),
    Array.from({ length: 20 }, (_, count) => `test.${count}`),
  )
  assert.equal(requests(), 1)
})

test('a datagram does not wait for the answer to another one, as long as few are under way', async () => {
  const { clock, east, west, settle, requests } = twoSites({ requestsMax: 2 })
  const sent: string[] = []
  for (const type of ['test.a', 'test.b', 'test.c', 'test.d']) {
    east.carrier.send(west.self, { type, version: 1 })
    sent.push(type)
    await new Promise((resolve) => setImmediate(resolve))
  }
  assert.equal(requests(), 0)
  clock.advance(10)
  await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual(typesOf(west.seen), ['test.a', 'test.b'])
  await settle()
  assert.deepEqual(typesOf(west.seen), sent)
  assert.equal(requests(), 3)
})

test('a full queue drops the oldest, and nobody waits', async () => {
  const { east, west, settle } = twoSites({ queueMax: 4, batchMax: 4 })
  for (let count = 0; count < 10; count++) east.carrier.send(west.self, { type: `test.${count}`, version: 1 })
  assert.equal(east.carrier.dropped, 6)
  await settle()
  assert.deepEqual(typesOf(west.seen), ['test.6', 'test.7', 'test.8', 'test.9'])
})

test('datagrams that are large together travel in several requests, and one that is too large alone does not', async () => {
  const { east, west, settle, requests } = twoSites()
  const filling = 'ä'.repeat(MESSAGE_BYTES_MAX / 2 - 100)
  for (let count = 0; count < 10; count++)
    east.carrier.send(west.self, { type: `test.${count}`, version: 1, filling } as Message)
  east.carrier.send(west.self, { ...ping, filling: filling + filling } as Message)
  await settle()
  assert.equal(west.seen.length, 10)
  assert.equal(requests(), 2)
  assert.equal(east.carrier.dropped, 1)
})

test('what cannot be delivered is lost, and the next one arrives', async () => {
  const { network, east, west, settle } = twoSites()
  network.cutBoth('east', 'west')
  east.carrier.send(west.self, ping)
  await settle()
  for (let turn = 0; turn < 20; turn++) await settle()
  network.healBoth('east', 'west')
  east.carrier.send(west.self, { type: 'test.next', version: 1 })
  await settle()
  assert.deepEqual(typesOf(west.seen), ['test.next'])
})

test('nonsense from another site is ignored', () => {
  const { west } = twoSites()
  for (const text of [
    '',
    '{',
    '[]',
    '{"messages":7}',
    '{"messages":[1,{"type":"a"},{"type":"b","version":1}]}',
  ])
    west.carrier.accept('east', Buffer.from(text))
  assert.deepEqual(typesOf(west.seen), ['b'])
})
