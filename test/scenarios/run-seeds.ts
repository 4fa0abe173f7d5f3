/**
 * Runs many seeds in this process and writes one line of JSON for each: `run-seeds.ts FROM COUNT STEP [SITES]`. Ends with
 * the first failure, as the rest would say the same less clearly.
 */

import { SimulationFailed } from '@atoll/simulator'
import { runScenario } from './run-scenario.ts'

/** What is written for each seed. */
export type SeedLine =
  | {
      readonly seed: number
      readonly requests: number
      readonly events: number
      readonly simulatedMs: number
    }
  | { readonly seed: number; readonly failure: string }

const [from = 1, count = 1, step = 1, sites] = process.argv.slice(2).map(Number)

for (let seed = from; seed < from + count * step; seed += step) {
  const line = await runSeed(seed)
  process.stdout.write(`${JSON.stringify(line)}\n`)
  if ('failure' in line) break
}

async function runSeed(seed: number): Promise<SeedLine> {
  try {
    const { requests, events, simulatedMs } = await runScenario({ seed, ...(sites ? { sites } : {}) })
    return { seed, requests, events, simulatedMs }
  } catch (error) {
    if (!(error instanceof SimulationFailed)) throw error
    return { seed, failure: error.message }
  }
}
