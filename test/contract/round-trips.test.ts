import assert from 'node:assert/strict'
import test from 'node:test'
import { systemClock, systemRandom } from '@atoll/kit'
import { MemoryDatabase, memoryStore, openRome } from '@atoll/rome'
import { openContractPeer, type Target } from './peer/contract-peer.ts'
import { goodRequest } from './requests/good-request.ts'
import { Verdicts } from './verdicts.ts'

/** One asks what is new, one may bring what was missing, one commits. */
const ROUND_TRIPS_MAX = 3
/** What others need for every call, such as who the token's user is, is at hand after the first. */
const CALLS = 3

/** A stream is read while the store waits; a deletion can be done once. */
const isRepeatable = ({ endpoint }: Target) => endpoint.body !== 'stream' && endpoint.method !== 'DELETE'

test('no call waits for more than three round trips to the store, once a peer is warm', async (t) => {
  const store = openRome({
    store: memoryStore({ database: new MemoryDatabase() }),
    clock: systemClock,
    random: systemRandom,
  })
  const peer = await openContractPeer(t, undefined, store)
  const verdicts = new Verdicts()
  const costs: string[] = []
  for (const target of peer.targets.filter(isRepeatable)) {
    let roundTrips = 0
    let status = 0
    for (let call = 0; call < CALLS; call++) {
      const request = await goodRequest(peer, target)
      const before = store.statistics.sessionRoundTrips
      status = (await peer.send(request)).status
      roundTrips = store.statistics.sessionRoundTrips - before
    }
    costs.push(`${roundTrips} ${target.name} → ${status}`)
    verdicts.check(() =>
      assert.ok(roundTrips <= ROUND_TRIPS_MAX, `${target.name} → ${status}: ${roundTrips} round trips`),
    )
  }
  t.diagnostic(costs.toSorted().slice(-10).join('; '))
  verdicts.conclude()
})
