import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { ShareExhausted, WholeTooSmall } from './errors.ts'
import { openTestState } from './open-test-state.ts'
import { changeWhole, foundShare, lendAmount, refundAll, spendAll, spentAmounts } from './shares.ts'
import type { State } from './state.ts'

const cores = 'quota_cores:p'
const ram = 'quota_ram:p'

async function openFounded(t: TestContext): Promise<State> {
  const state = await openTestState({ after: (cleanUp) => t.after(cleanUp) })
  await state.transaction(async (transaction) => {
    await foundShare(transaction, cores, { amount: 10 })
    await foundShare(transaction, ram, { amount: 100 })
  })
  return state
}

test('several resources are spent together or not at all, and given back together', async (t) => {
  const state = await openFounded(t)
  await state.transaction((transaction) => spendAll(transaction, { [cores]: 4, [ram]: 60 }))
  const tooMuch = state.transaction((transaction) => spendAll(transaction, { [cores]: 1, [ram]: 41 }))
  await assert.rejects(tooMuch, ShareExhausted.is)
  assert.deepEqual(await spentAmounts(state, [cores, ram]), { [cores]: 4, [ram]: 60 })
  await state.transaction((transaction) => refundAll(transaction, { [cores]: 4, [ram]: 20 }))
  assert.deepEqual(await spentAmounts(state, [cores, ram]), { [cores]: 0, [ram]: 40 })
})

test('a whole changes by what is neither spent nor lent, and never below that unless forced', async (t) => {
  const state = await openFounded(t)
  await state.transaction(async (transaction) => {
    await spendAll(transaction, { [cores]: 4 })
    await lendAmount(transaction, { resource: cores, borrower: 'west', wanted: 2 })
  })
  const change = (amount: number, isForced?: boolean) =>
    state.transaction((transaction) =>
      changeWhole(transaction, { resource: cores, amount, ...(isForced && { isForced }) }),
    )
  await assert.rejects(change(5), WholeTooSmall.is)
  await change(7)
  await state.transaction((transaction) => spendAll(transaction, { [cores]: 1 }))
  const spendOne = () => state.transaction((transaction) => spendAll(transaction, { [cores]: 1 }))
  await assert.rejects(spendOne(), ShareExhausted.is)
  await change(-1)
  await spendOne()
  await change(3, true)
  await assert.rejects(spendOne(), ShareExhausted.is)
})

test('a resource that was never used has no whole to change', async (t) => {
  const state = await openTestState({ after: (cleanUp) => t.after(cleanUp) })
  await state.transaction((transaction) => changeWhole(transaction, { resource: cores, amount: 3 }))
  assert.equal(await state.feed.head(), 0)
})
