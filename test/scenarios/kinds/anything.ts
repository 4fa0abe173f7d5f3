/** Clients do anything at random sites while anything goes wrong. */

import { pick } from '@atoll/kit'
import { Faults } from '../workload/faults.ts'
import type { ScenarioKind } from './scenario-kind.ts'

const OPERATIONS = 150
const PAUSE_MS = 200
/** The mean time between two faults, by the seed: from a storm to a bad day. */
const FAULT_INTERVALS_MS = [500, 1500, 3000, 8000] as const

export const anything: ScenarioKind = {
  name: 'cloud',
  play: async (stage, { operations = OPERATIONS, workload, hasFaults = true }) => {
    const { cloud, simulation } = stage
    const random = simulation.random('faults')
    const faults = new Faults({ cloud, random, intervalMs: pick(random, FAULT_INTERVALS_MS) })
    if (hasFaults) faults.start()
    await stage.work({ operations, pauseMs: PAUSE_MS, ...(workload ? { workload } : {}) })
    await simulation.finish(faults.stop())
  },
}
