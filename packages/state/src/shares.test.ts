import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { ShareExhausted, WholeTooSmall } from './errors.ts'
import { openTestState, trustEverybody } from './open-test-state.ts'
import {
  changeWhole,
  foundShare,
  giveBack,
  lendAmount,
  refundAll,
  spendAll,
  spentAmounts,
  takeBack,
} from './shares.ts'
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

test('what is lent in advance leaves the lender at least as much, what is needed may be all', async (t) => {
  const state = await openFounded(t)
  const lend = (borrower: string, isInAdvance: boolean) =>
    state.transaction((transaction) =>
      lendAmount(transaction, { resource: cores, borrower, wanted: 100, isInAdvance }),
    )
  const amounts: number[] = []
  for (const borrower of ['a', 'b', 'c', 'd']) amounts.push((await lend(borrower, true)).amount)
  assert.deepEqual(amounts, [5, 2, 1, 1])
  await assert.rejects(lend('e', true), ShareExhausted.is)
  assert.equal((await lend('e', false)).amount, 1)
})

test('a resource that was never used has no whole to change', async (t) => {
  const state = await openTestState({ after: (cleanUp) => t.after(cleanUp) })
  await state.transaction((transaction) => changeWhole(transaction, { resource: cores, amount: 3 }))
  assert.equal(await state.feed.head(), 0)
})

test('what a borrower gives back is spent by nobody until the lender has heard of it, and by the lender then', async (t) => {
  const east = await openTestState({ site: { name: 'east', code: 1 }, after: (cleanUp) => t.after(cleanUp) })
  const west = await openTestState({ site: { name: 'west', code: 2 }, after: (cleanUp) => t.after(cleanUp) })
  const follow = async () => {
    const after = await west.feed.cursor('east')
    const page = await east.feed.read({ home: 'east', follower: 'west', after, limit: 100 })
    await west.feed.apply(page, trustEverybody)
  }
  await east.transaction((transaction) => foundShare(transaction, cores, { amount: 10 }))
  await east.transaction((transaction) =>
    lendAmount(transaction, { resource: cores, borrower: 'west', wanted: 5 }),
  )
  await follow()
  await west.transaction((transaction) => spendAll(transaction, { [cores]: 2 }))
  const giving = { resource: cores, lender: 'east', wanted: 100 }
  const returned = await west.transaction((transaction) => giveBack(transaction, giving))
  assert.equal(returned, 3)
  await assert.rejects(
    west.transaction((transaction) => spendAll(transaction, { [cores]: 1 })),
    ShareExhausted.is,
  )
  const take = () =>
    east.transaction((transaction) => takeBack(transaction, { resource: cores, borrower: 'west', returned }))
  assert.deepEqual([await take(), await take()], [3, 0])
  await east.transaction((transaction) => spendAll(transaction, { [cores]: 8 }))
  await follow()
  await assert.rejects(
    west.transaction((transaction) => spendAll(transaction, { [cores]: 1 })),
    ShareExhausted.is,
  )
  assert.equal(await west.transaction((transaction) => giveBack(transaction, giving)), 3)
  await west.transaction((transaction) => refundAll(transaction, { [cores]: 2 }))
  assert.equal(await west.transaction((transaction) => giveBack(transaction, giving)), 5)
})

test('a share is given back to nobody but its lender', async (t) => {
  const state = await openFounded(t)
  for (const lender of ['elsewhere', state.site.name]) {
    const giving = { resource: cores, lender, wanted: 5 }
    assert.equal(await state.transaction((transaction) => giveBack(transaction, giving)), 0)
  }
  await state.transaction((transaction) => spendAll(transaction, { [cores]: 10 }))
})
