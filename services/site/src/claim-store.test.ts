import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom, systemClock } from '@atoll/kit'
import { MemoryDatabase, memoryStore, openRome } from '@atoll/rome'
import { State } from '@atoll/state'
import { claimStore } from './claim-store.ts'
import { StoreOfAnotherSite } from './errors.ts'
import { siteTables } from './tables.ts'

test('a store is the one site that claimed it first', async (t) => {
  const database = new MemoryDatabase()
  const open = async (name: string) => {
    const tools = { clock: systemClock, random: seededRandom(name) }
    const store = openRome({ store: memoryStore({ database }), ...tools })
    t.after(() => store.close())
    return State.open({ ...tools, store, site: { name, code: 1 }, records: [], locals: siteTables })
  }
  const [east, west] = [await open('east'), await open('west')]
  await claimStore(east, 'reef')
  await claimStore(east, 'reef')
  await assert.rejects(claimStore(west, 'reef'), StoreOfAnotherSite.is)
  await assert.rejects(claimStore(east, 'lagoon'), StoreOfAnotherSite.is)
})
