import assert from 'node:assert/strict'
import test from 'node:test'
import { seedsToRun } from '@atoll/simulator'
import { runScenario } from './run-scenario.ts'

/** Few, so that all tests stay quick; `atoll simulate` runs thousands. */
const SEEDS = 6

for (const seed of seedsToRun({ from: 1, count: SEEDS })) {
  test(`a cloud in which everything goes wrong keeps its promises (SEED=${seed})`, async () => {
    const { requests, events } = await runScenario({ seed })
    assert.ok(requests >= 150 && events > 1000, `only ${requests} requests and ${events} events happened`)
  })
}

test('two runs of a seed are the same bit by bit, and another seed is another run', async () => {
  const run = (seed: number) => runScenario({ seed, operations: 60 })
  const first = await run(1)
  assert.deepEqual(await run(1), first)
  assert.notEqual((await run(2)).digest, first.digest)
})
