/** One run: a cloud is built, a scenario of some kind plays in it, and everything must hold. */

import type { Seed } from '@atoll/simulator'
import { Simulation } from '@atoll/simulator'
import { checkAcknowledged, checkRevocations, checkUploads } from './invariants/acknowledged.ts'
import { anything } from './kinds/anything.ts'
import type { ScenarioKind, Variations } from './kinds/scenario-kind.ts'
import type { Plant } from './plants.ts'
import { SimulatedCloud } from './simulated-cloud.ts'
import { Stage } from './stage.ts'

export interface ScenarioOptions extends Variations {
  readonly seed: Seed
  /** Default: anything may happen. */
  readonly kind?: ScenarioKind
  /** Default: three to five, by the seed. */
  readonly sites?: number
  /** The longest way between two sites; see `CloudOptions`. */
  readonly distanceMsMax?: number
  readonly plant?: Plant
}

export interface ScenarioResult {
  readonly seed: Seed
  /** Of everything that happened and of the state of all sites at the end. */
  readonly digest: string
  readonly events: number
  readonly requests: number
  readonly simulatedMs: number
  /** From the heal until all sites agreed and every host had done what was asked. */
  readonly convergedMs: number
}

const HOSTS_PER_SITE = 2
/** Most of the earth, one way. */
const DISTANCE_MS_MAX = 200

/** @throws SimulationFailed with the seed and the last lines when something does not hold */
export async function runScenario(options: ScenarioOptions): Promise<ScenarioResult> {
  const { seed, kind = anything, distanceMsMax = DISTANCE_MS_MAX, plant } = options
  const simulation = new Simulation(seed)
  const { sites = 3 + simulation.random('sites').below(3) } = options
  const cloud = new SimulatedCloud({
    simulation,
    sites,
    hostsPerSite: HOSTS_PER_SITE,
    distanceMsMax,
    // A third of all clouds are as large ones: most sites hear of each other's news by gossip.
    closeSitesMax: simulation.random('closeness').below(3) === 0 ? 1 : undefined,
    ...(plant ? { plant } : {}),
  })
  try {
    return await simulation.run(() => play(cloud, kind, options))
  } finally {
    await cloud.close()
  }
}

async function play(
  cloud: SimulatedCloud,
  kind: ScenarioKind,
  options: ScenarioOptions,
): Promise<ScenarioResult> {
  const { simulation } = cloud
  const stage = await Stage.open(cloud)
  await kind.play(stage, options)
  await stage.hearAnswers()
  const convergedMs = await stage.converge()
  stage.judge.conclude()
  const { actor } = stage
  // The founder, or whoever is trusted in its place.
  const [first = cloud.founder] = cloud.sites
  await simulation.finish(actor.renewTokens(first))
  await simulation.finish(checkAcknowledged(actor))
  await simulation.finish(checkUploads(actor))
  await simulation.finish(checkRevocations(actor))
  return {
    seed: options.seed,
    digest: simulation.trace.digest(),
    events: simulation.events,
    requests: actor.requests,
    simulatedMs: simulation.clock.monotonicMs(),
    convergedMs,
  }
}
