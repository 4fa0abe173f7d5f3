import assert from 'node:assert/strict'
import test from 'node:test'
import { ShareExhausted, shares } from '@atoll/state'
import { noDisplacement } from './adoption.ts'
import { all, spendOne, type TestSite, takeOne, until } from './test-cloud.ts'
import { cloud } from './test-retirement.ts'

const quota = 'quota:root'

test('what a lost site had lent and borrowed passes to its heir, and the limit holds', async (t) => {
  const { site, lose } = await cloud(t, ['east', 'west', 'north'], { trusted: ['east', 'west', 'north'] })
  const [east, west, north] = [site('east'), site('west'), site('north')]
  for (const borrower of [west, north]) await spendOne(borrower)
  const taken = [await takeOne(east), await takeOne(west), await takeOne(north)]
  const totalAt = async ({ state }: TestSite) => {
    const rows = await state.select(all, shares).selectAll().where('resource', '=', quota).execute()
    return rows.reduce((sum, { amount }) => sum + amount, 0)
  }
  for (const each of [west, north])
    await until('all know what is lent', async () => (await totalAt(each)) === 10)
  // The lender first: what it held itself passes to its heir too.
  await lose('east')
  await west.federation.retireSite({ site: 'east', reason: '', heir: 'west' })
  const shareOf = async ({ state }: TestSite, resource: string, borrower: string) =>
    (
      await state
        .select(all, shares)
        .selectAll()
        .where('resource', '=', resource)
        .where('borrower', '=', borrower)
        .execute()
    )[0]
  await until('west lends it', async () => (await shareOf(north, quota, 'north'))?.home === 'west')
  await until('east holds none', async () => ((await shareOf(west, quota, 'east'))?.amount ?? 0) === 0)
  assert.equal(await totalAt(west), 10)
  let spent = 2
  for (const asking of [north, west])
    while (
      await spendOne(asking).then(
        () => true,
        (error: unknown) => !ShareExhausted.is(error),
      )
    )
      spent++
  assert.equal(spent, 10, 'to the last unit, and not beyond')
  taken.push(await takeOne(west), await takeOne(north))
  assert.equal(new Set(taken).size, taken.length)
})

test('numbers that a lost site had given out are not given out again by its heir', async (t) => {
  const inUse: { number: number; holder: string }[] = []
  const numbersInUse = async (_reader: unknown, resource: string) =>
    resource === 'numbers:root' ? inUse : []
  const { site, lose } = await cloud(t, ['east', 'west', 'north'], {
    cloud: { displacement: { ...noDisplacement, numbersInUse } },
  })
  const [east, west, north] = [site('east'), site('west'), site('north')]
  for (let count = 0; count < 3; count++) inUse.push({ number: await takeOne(west), holder: `boat ${count}` })
  const lent = async () =>
    (await north.state.select(all, shares).selectAll().where('borrower', '=', 'west').execute()).find(
      ({ ranges }) => ranges.length > 0,
    )
  await until('north knows what west holds', async () => (await lent()) !== undefined)
  const [from, to] = (await lent())?.ranges[0] ?? [0, 0]
  await lose('west')
  await east.federation.retireSite({ site: 'west', reason: '', heir: 'north' })
  await until('north holds what west held', async () => (await lent()) === undefined)
  const taken = [...inUse.map(({ number }) => number)]
  for (let count = taken.length; count < to - from; count++) taken.push(await takeOne(north))
  assert.equal(new Set(taken).size, to - from)
  for (const number of taken) assert.ok(number >= from && number < to, `${number} was west's`)
})
