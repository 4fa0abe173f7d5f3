import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { type Clock, systemClock } from '@atoll/kit'
import { foundShare, openTestState, refundAll, spendAll } from '@atoll/state'
import { Reserves } from './reserves.ts'

const cores = 'quota_cores:p'
const addresses = 'addresses:s'

async function openReserves(t: TestContext, hasMore: () => boolean) {
  const state = await openTestState({ after: (cleanUp) => t.after(cleanUp) })
  await state.transaction(async (transaction) => {
    await foundShare(transaction, cores, { amount: 4 })
    await foundShare(transaction, addresses, { ranges: [[1, 3]] })
  })
  let nowMs = 0
  const clock: Clock = { ...systemClock, monotonicMs: () => nowMs }
  const asked: string[] = []
  const reserves = new Reserves({
    state,
    clock,
    borrower: {
      borrowInAdvance: async (resource) => {
        asked.push(resource)
        return hasMore()
      },
    },
    wantedShares: async () => [
      { resource: cores, wanted: 2 },
      { resource: addresses, wanted: 16 },
      { resource: 'quota_cores:never-lent', wanted: 2 },
    ],
  })
  /** What one pass, at a time, asks for. */
  const pass = async (atMs: number) => {
    nowMs = atMs
    asked.length = 0
    await reserves.keep()
    return [...asked]
  }
  return { state, pass }
}

test('what is spent is borrowed anew, before it is needed', async (t) => {
  const { state, pass } = await openReserves(t, () => true)
  const spend = (amount: number) =>
    state.transaction((transaction) => spendAll(transaction, { [cores]: amount }))
  assert.deepEqual(await pass(0), ['quota_cores:never-lent'])
  await spend(2)
  assert.deepEqual(await pass(5000), ['quota_cores:never-lent'])
  await spend(1)
  assert.deepEqual(await pass(10_000), [cores, 'quota_cores:never-lent'])
  await state.transaction((transaction) => refundAll(transaction, { [cores]: 3 }))
  assert.deepEqual(await pass(15_000), ['quota_cores:never-lent'])
})

test('a lender that has nothing to spare is asked ever more rarely, and a minute apart at most', async (t) => {
  const { pass } = await openReserves(t, () => false)
  const askedAtS: number[] = []
  for (let atS = 0; atS <= 300; atS += 5) if ((await pass(atS * 1000)).length > 0) askedAtS.push(atS)
  assert.deepEqual(askedAtS, [0, 5, 15, 35, 75, 135, 195, 255])
})
