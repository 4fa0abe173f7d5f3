import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sleep } from '@atoll/kit'
import { faultyStore } from '../conformance/faulty-store.ts'
import { SteppedWorld } from '../conformance/isolation/stepped-world.ts'
import { get, set } from '../conformance/raw-statements.ts'
import { MemoryDatabase } from '../stores/memory/memory-database.ts'
import { memoryStore } from '../stores/memory/memory-store.ts'
import { Peer } from './peer.ts'

/** A peer for each round trip to one store. */
function openPeers(roundTripsMs: readonly number[]) {
  const world = new SteppedWorld('turns')
  const database = new MemoryDatabase()
  const { clock, random, defer } = world
  const peers = roundTripsMs.map((roundTripMs) => {
    const turn = () => sleep(clock, (roundTripMs / 2) * (0.8 + random.below(400) / 1000))
    const store = faultyStore({ store: memoryStore({ database }), fate: () => 'fine', turn })
    return new Peer({ store, clock, random, defer })
  })
  return { world, peers }
}

async function add(peer: Peer, key: string): Promise<void> {
  await peer.transaction(async (scope) => {
    const sum = Number((await scope.run(get('t', key))) ?? 0)
    await scope.run(set('t', key, String(sum + 1)))
  })
}

test('a peer that is far away gets through to a row that those nearby write all the time', async () => {
  const { world, peers } = openPeers([50, 1, 1, 1])
  const [far, ...near] = peers as [Peer, ...Peer[]]
  let isOver = false
  const busy = near.map(async (peer) => {
    while (!isOver) await add(peer, 'hot')
  })
  const longestMs = await world.run(
    (async () => {
      let longest = 0
      for (let times = 0; times < 10; times++) {
        const startedMs = world.clock.monotonicMs()
        await add(far, 'hot')
        longest = Math.max(longest, world.clock.monotonicMs() - startedMs)
      }
      isOver = true
      await Promise.all(busy)
      return longest
    })(),
  )
  assert.ok(longestMs < 30 * 50, `it took ${longestMs} ms`)
})

test('peers at the same distance all get through, and nothing is lost', async () => {
  const { world, peers } = openPeers(Array.from({ length: 8 }, () => 20))
  const rounds = 10
  await world.run(
    Promise.all(
      peers.map(async (peer) => {
        for (let times = 0; times < rounds; times++) await add(peer, 'hot')
      }),
    ),
  )
  const [first] = peers as [Peer]
  assert.equal(await world.run(first.read(get('t', 'hot'))), String(8 * rounds))
})

test('who dies after it has asked for a turn is waited for no longer than it said', async () => {
  const { world, peers } = openPeers([10, 10])
  const [one, two] = peers as [Peer, Peer]
  await world.run(add(one, 'hot'))
  const turn = { keys: [{ space: 't', key: 'hot' }], waitMs: 200 }
  await world.run(
    two.transaction(async (scope) => scope.announce([{ table: 'rome.turn', id: JSON.stringify(turn) }])),
  )
  await world.run(one.read(get('t', 'hot')))
  const startedMs = world.clock.monotonicMs()
  await world.run(add(one, 'other'))
  assert.ok(world.clock.monotonicMs() - startedMs < 100, 'it concerns nobody else')
  await world.run(add(one, 'hot'))
  const waitedMs = world.clock.monotonicMs() - startedMs
  assert.ok(waitedMs >= 150 && waitedMs < 500, `${waitedMs} ms`)
})

test('nobody above hears of turns', async () => {
  const { world, peers } = openPeers([1, 1])
  const [one, two] = peers as [Peer, Peer]
  const heard: unknown[] = []
  await world.run(one.read(get('t', 'a')))
  one.onForeignCommit((changes) => heard.push(...changes))
  const turn = { table: 'rome.turn', id: JSON.stringify({ keys: [], waitMs: 1 }) }
  await world.run(two.transaction(async (scope) => scope.announce([turn])))
  await world.run(one.read(get('t', 'a')))
  assert.deepEqual(heard, [])
})
