import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { silentLogger, systemClock } from '@atoll/kit'
import { openTestState, type State, takenNumbers } from '@atoll/state'
import { networkRecords, ports } from '../records.ts'
import { createAddressReturn } from './address-return.ts'

const ADDRESS = 0x0a000005
const trusting = {
  hasAuthority: async () => true,
  mayName: async () => true,
  readMove: async () => undefined,
  heirsOf: async () => [],
}

async function siteWithTakenAddress(t: TestContext): Promise<State> {
  const state = await openTestState({ records: networkRecords, after: (cleanUp) => t.after(cleanUp) })
  await state.transaction((transaction) =>
    transaction.queries
      .insertInto(takenNumbers.name)
      .values({ resource: 'addresses:s', number: ADDRESS, holder: 'p' })
      .execute(),
  )
  return state
}

/** The replica of a port that lives elsewhere now. */
async function replica(state: State, seq: number, columns: object): Promise<void> {
  const fixed_ips = [{ subnet_id: 's', ip_address: '10.0.0.5' }]
  const row = {
    id: 'p',
    home: 'away',
    generation: 1,
    seq,
    created_at: 1,
    fixed_ips,
    deleted_at: null,
    ...columns,
  }
  await state.feed.apply(
    { home: 'away', after: 0, upTo: seq, entries: [{ table: ports.name, row }] },
    trusting,
  )
}

async function isTakenAfterAPass(state: State, t: TestContext): Promise<boolean> {
  const stop = new AbortController()
  const running = createAddressReturn({ state, clock: systemClock, log: silentLogger }).run(stop.signal)
  t.after(() => running)
  // Its transaction runs before this one, which waits its turn.
  await new Promise((resolve) => setImmediate(resolve))
  await state.transaction(async () => {})
  stop.abort()
  await running
  return (await state.local(takenNumbers).selectAll().execute()).length > 0
}

test('an address stays taken as long as its port has it, wherever the port is', async (t) => {
  const state = await siteWithTakenAddress(t)
  await replica(state, 1, {})
  assert.equal(await isTakenAfterAPass(state, t), true)
})

test('an address of a port that is unknown here stays taken', async (t) => {
  assert.equal(await isTakenAfterAPass(await siteWithTakenAddress(t), t), true)
})

for (const [what, columns] of [
  ['deleted there', { deleted_at: 5 }],
  ['given another address there', { fixed_ips: [] }],
] as const) {
  test(`a port that moved away and was ${what} gives its address back`, async (t) => {
    const state = await siteWithTakenAddress(t)
    await replica(state, 1, {})
    await replica(state, 2, columns)
    assert.equal(await isTakenAfterAPass(state, t), false)
  })
}
