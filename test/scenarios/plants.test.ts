import assert from 'node:assert/strict'
import test from 'node:test'
import { SimulationFailed } from '@atoll/simulator'
import { lostCommit, noGenerationCheck, type Plant, staleForward } from './plants.ts'
import { runScenario } from './run-scenario.ts'

/** The first of the seeds that finds the bug, with what it says. */
async function findBug(plant: Plant, seedsMax: number): Promise<string | undefined> {
  for (let seed = 1; seed <= seedsMax; seed++) {
    try {
      await runScenario({ seed, plant })
    } catch (error) {
      if (!(error instanceof SimulationFailed)) throw error
      return error.message
    }
  }
  return undefined
}

test('a commit that is acknowledged before it is durable is found', async () => {
  assert.ok(await findBug(lostCommit, 3))
})

test('a replica that is accepted although it is older is found', async () => {
  assert.match((await findBug(noGenerationCheck, 10)) ?? '', /went from generation|does not come to agree/)
})

test('a forwarded write that is carried out twice is found', async () => {
  assert.match((await findBug(staleForward, 3)) ?? '', /made by one request|nobody asked for it/)
})
