/**
 * Runs many seeds of one kind of scenario in this process and writes one line of JSON for each. Ends with the first failure,
 * as the rest would say the same less clearly.
 */

import { parseArgs } from 'node:util'
import { SimulationFailed } from '@atoll/simulator'
import { kinds } from './kinds/all-kinds.ts'
import { runScenario, type ScenarioOptions } from './run-scenario.ts'

/** What is written for each seed. */
export type SeedLine =
  | {
      readonly seed: number
      readonly requests: number
      readonly events: number
      readonly simulatedMs: number
      readonly convergedMs: number
    }
  | { readonly seed: number; readonly failure: string }

const { values } = parseArgs({
  options: {
    kind: { type: 'string', default: 'cloud' },
    from: { type: 'string', default: '1' },
    count: { type: 'string', default: '1' },
    step: { type: 'string', default: '1' },
    sites: { type: 'string' },
    minutes: { type: 'string' },
  },
})

const kind = kinds.get(values.kind)
if (!kind) throw new RangeError(`there is no kind of scenario ${values.kind}`)
const options: Omit<ScenarioOptions, 'seed'> = {
  kind,
  ...(values.sites === undefined ? {} : { sites: Number(values.sites) }),
  ...(values.minutes === undefined ? {} : { minutes: Number(values.minutes) }),
}
const [from, count, step] = [values.from, values.count, values.step].map(Number) as [number, number, number]

for (let seed = from; seed < from + count * step; seed += step) {
  const line = await runSeed(seed)
  process.stdout.write(`${JSON.stringify(line)}\n`)
  if ('failure' in line) break
}

async function runSeed(seed: number): Promise<SeedLine> {
  try {
    const { digest: _, ...result } = await runScenario({ ...options, seed })
    return result
  } catch (error) {
    if (!(error instanceof SimulationFailed)) throw error
    return { seed, failure: error.message }
  }
}
