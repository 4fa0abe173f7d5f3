import assert from 'node:assert/strict'
import test from 'node:test'
import { cloudScenarios } from '@atoll/cli'
import { seedsToRun } from '@atoll/simulator'
import { kinds } from './kinds/all-kinds.ts'
import { islands } from './kinds/islands.ts'
import { longCut } from './kinds/long-cut.ts'
import { retire } from './kinds/retire.ts'
import { sleep } from './kinds/sleep.ts'
import { runScenario } from './run-scenario.ts'

/** Few, so that all tests stay quick; `atoll simulate` runs thousands. */
const SEEDS = 6
const SEEDS_OF_KINDS = 2

for (const seed of seedsToRun({ from: 1, count: SEEDS })) {
  test(`a cloud in which everything goes wrong keeps its promises (SEED=${seed})`, async () => {
    const { requests, events } = await runScenario({ seed })
    assert.ok(requests >= 150 && events > 1000, `only ${requests} requests and ${events} events happened`)
  })
}

for (const seed of seedsToRun({ from: 1, count: SEEDS_OF_KINDS })) {
  test(`islands are clouds of their own, and then one again (SEED=${seed})`, async () => {
    const { requests } = await runScenario({ seed, kind: islands, minutes: 1 })
    assert.ok(requests >= 120, `only ${requests} requests happened`)
  })
}

for (const seed of seedsToRun({ from: 1, count: SEEDS_OF_KINDS })) {
  test(`a site sleeps and wakes, and nobody minds (SEED=${seed})`, async () => {
    const { requests } = await runScenario({ seed, kind: sleep, minutes: 1 })
    assert.ok(requests >= 60, `only ${requests} requests happened`)
  })
}

for (const seed of seedsToRun({ from: 1, count: 1 })) {
  test(`a site that was cut off for three days comes back (SEED=${seed})`, async () => {
    const { requests } = await runScenario({ seed, kind: longCut })
    assert.ok(requests >= 72, `only ${requests} requests happened`)
  })
}

for (const seed of seedsToRun({ from: 1, count: SEEDS_OF_KINDS })) {
  test(`a site is lost for good, and another one has what it had (SEED=${seed})`, async () => {
    const { requests } = await runScenario({ seed, kind: retire })
    assert.ok(requests >= 60, `only ${requests} requests happened`)
  })
}

test('the command knows every kind of scenario', () => {
  assert.deepEqual([...kinds.keys()].sort(), ['cloud', ...cloudScenarios.keys()].sort())
})

test('two runs of a seed are the same bit by bit, and another seed is another run', async () => {
  const run = (seed: number) => runScenario({ seed, operations: 60 })
  const first = await run(1)
  assert.deepEqual(await run(1), first)
  assert.notEqual((await run(2)).digest, first.digest)
})
