import assert from 'node:assert/strict'
import test from 'node:test'
import { seededRandom, systemRandom } from '@atoll/kit'
import { type ContractPeer, openContractPeer } from './peer/contract-peer.ts'
import { assertWellFormed } from './peer/reply.ts'
import { RandomRequests } from './requests/random-request.ts'
import { Verdicts } from './verdicts.ts'

/** `REQUESTS=100000 SEED=7` for a longer run of a seed that one printed. */
const REQUESTS = Number(process.env.REQUESTS ?? 12_000)

/** By then so much is deleted or disabled that a new peer has more to say. */
const REQUESTS_PER_PEER = 2000

test('whatever is asked, each reply has its form, and only a success writes', async (t) => {
  const seed = process.env.SEED ?? String(systemRandom.below(2 ** 31))
  t.diagnostic(`SEED=${seed}`)
  const rejections: unknown[] = []
  const remember = (reason: unknown) => void rejections.push(reason)
  process.on('unhandledRejection', remember)
  t.after(() => process.off('unhandledRejection', remember))

  const random = seededRandom(seed)
  const verdicts = new Verdicts()
  const statuses = new Map<number, number>()
  for (let count = 0; count < REQUESTS; ) {
    const peer = await openContractPeer(t)
    const requests = new RandomRequests(peer, random)
    count += await fuzz(peer, requests, { seed, from: count, verdicts, statuses })
  }
  t.diagnostic([...statuses].map(([status, count]) => `${status}: ${count}`).join(', '))
  verdicts.conclude(REQUESTS)
  assert.deepEqual(rejections, [])
  for (const status of [200, 201, 204, 400, 401, 403, 404, 405])
    assert.ok(statuses.has(status), `no request was answered ${status}: the fuzzer sees too little`)
})

interface Run {
  readonly seed: string
  /** How many requests came before. */
  readonly from: number
  readonly verdicts: Verdicts
  readonly statuses: Map<number, number>
}

/** Sends requests to one peer and answers with how many. */
async function fuzz(
  peer: ContractPeer,
  requests: RandomRequests,
  { seed, from, verdicts, statuses }: Run,
): Promise<number> {
  let before = await peer.head()
  for (let count = 0; count < REQUESTS_PER_PEER; count++) {
    const { target, request } = requests.next()
    const bugs = peer.bugs.length
    const reply = await peer.send(request)
    const after = await peer.head()
    const seen = `SEED=${seed} #${from + count} ${request.method} ${request.url.slice(0, 120)} ${JSON.stringify(request.headers)} ${String(request.body).slice(0, 200)} → ${reply.status} ${reply.text.slice(0, 200)}`
    const written = after - before
    verdicts.check(() => {
      assertWellFormed(target.api, reply, seen)
      assert.equal(peer.bugs.length, bugs, `${seen}: ${String((peer.bugs.at(-1) as Error)?.stack)}`)
      const mayWrite = reply.status < 300 && request.method !== 'GET' && request.method !== 'HEAD'
      if (!mayWrite) assert.equal(written, 0, `${seen}: something was written`)
    })
    statuses.set(reply.status, (statuses.get(reply.status) ?? 0) + 1)
    before = after
  }
  return REQUESTS_PER_PEER
}
