import assert from 'node:assert/strict'
import test from 'node:test'
import { SimulationFailed } from '@atoll/simulator'
import { islands } from './kinds/islands.ts'
import { longCut } from './kinds/long-cut.ts'
import { retire } from './kinds/retire.ts'
import { sleep } from './kinds/sleep.ts'
import { lostCommit, noGenerationCheck, type Plant, staleForward } from './plants.ts'
import { earlyPurge, lapsedRetirement, offeredAsleep, skippedFeed, unfencedHeir } from './plants-of-kinds.ts'
import { runScenario, type ScenarioOptions } from './run-scenario.ts'
import { MOVES } from './workload/operations.ts'

/** A page of a feed that is overtaken by the move of a home needs long ways and short ones. */
const movesAcrossTheEarth = { workload: MOVES, hasFaults: false, distanceMsMax: 1000 } as const

/** The first of the seeds that finds the bug, with what it says. */
async function findBug(
  plant: Plant,
  seedsMax: number,
  options: Omit<ScenarioOptions, 'seed' | 'plant'> = {},
): Promise<string | undefined> {
  for (let seed = 1; seed <= seedsMax; seed++) {
    try {
      await runScenario({ ...options, seed, plant })
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
  const failure = (await findBug(noGenerationCheck, 10, movesAcrossTheEarth)) ?? ''
  assert.match(failure, /from generation 2 back to [01]|comes to agree/)
})

test('without a bug, homes that move across the earth move well', async () => {
  for (const seed of [1, 2]) await runScenario({ ...movesAcrossTheEarth, seed })
})

test('a forwarded write that is carried out twice is found', async () => {
  assert.match(
    (await findBug(staleForward, 3, { hasFaults: false })) ?? '',
    /made by one request|nobody asked for it|its making was refused/,
  )
})

test('a follower that skips what it missed in a long cut is found by islands', async () => {
  const failure = await findBug(skippedFeed, 3, { kind: islands })
  assert.match(failure ?? '', /comes to agree/)
})

test('a workload that is offered to a site that sleeps is found', async () => {
  assert.match((await findBug(offeredAsleep, 5, { kind: sleep })) ?? '', /which sleeps/)
})

test('deletions that are forgotten within a long cut are found', async () => {
  assert.match((await findBug(earlyPurge, 2, { kind: longCut })) ?? '', /comes to agree/)
})

test('an heir that takes over without a new generation is found', async () => {
  assert.match((await findBug(unfencedHeir, 2, { kind: retire })) ?? '', /has taken over/)
})

test('a retired site that is heard again is found', async () => {
  const failure = await findBug(lapsedRetirement, 4, { kind: retire })
  // Its hosts' guests are stopped, or others take it for a member.
  assert.match(failure ?? '', /was stopped, and nobody asked for it|for a member/)
})
