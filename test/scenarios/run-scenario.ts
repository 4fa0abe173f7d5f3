/** One run: a cloud is built, clients work while things go wrong, all is healed, and everything must hold. */

import assert from 'node:assert/strict'
import { fraction, pick } from '@atoll/kit'
import { type Seed, Simulation } from '@atoll/simulator'
import { checkAcknowledged, checkOnce, checkRevocations, checkUploads } from './invariants/acknowledged.ts'
import { GuestWatch } from './invariants/guests.ts'
import { checkPorts, findDivergence, findUnsettled, HomeWatch } from './invariants/homes.ts'
import { checkLedgers } from './invariants/ledgers.ts'
import { inspectSites } from './invariants/tables.ts'
import { Model } from './model.ts'
import type { Plant } from './plants.ts'
import { SimulatedCloud } from './simulated-cloud.ts'
import { Actor } from './workload/actor.ts'
import { Faults } from './workload/faults.ts'
import { EVERYTHING, type Workload } from './workload/operations.ts'
import { buildEstate } from './workload/tenants.ts'

export interface ScenarioOptions {
  readonly seed: Seed
  /** Default: three to five, by the seed. */
  readonly sites?: number
  readonly operations?: number
  readonly workload?: Workload
  /** The longest way between two sites; see `CloudOptions`. */
  readonly distanceMsMax?: number
  /** False: nothing goes wrong but what the distances do. */
  readonly hasFaults?: boolean
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
const TENANTS = 2
const OPERATIONS_PER_RUN = 150
/** The mean pause between two operations; some overlap. */
const PAUSE_MS = 200
/** The mean time between two faults, by the seed: from a storm to a bad day. */
const FAULT_INTERVALS_MS = [500, 1500, 3000, 8000] as const
/** Most of the earth, one way. */
const DISTANCE_MS_MAX = 200
/** Reading every table costs more than an event, so the sums are looked at now and then. */
const EVENTS_PER_AUDIT = 500
/** How long a healed cloud may take until all agrees: a guest that ignores its power button has a minute. */
const CONVERGENCE_MS_MAX = 90_000

/** @throws SimulationFailed with the seed and the last lines when something does not hold */
export async function runScenario(options: ScenarioOptions): Promise<ScenarioResult> {
  const simulation = new Simulation(options.seed)
  const { sites = 3 + simulation.random('sites').below(3), distanceMsMax = DISTANCE_MS_MAX, plant } = options
  const cloud = new SimulatedCloud({
    simulation,
    sites,
    hostsPerSite: HOSTS_PER_SITE,
    distanceMsMax,
    ...(plant ? { plant } : {}),
  })
  try {
    return await simulation.run(() => play(cloud, options))
  } finally {
    await cloud.close()
  }
}

async function play(
  cloud: SimulatedCloud,
  { seed, operations = OPERATIONS_PER_RUN, workload = EVERYTHING, hasFaults = true }: ScenarioOptions,
): Promise<ScenarioResult> {
  const { simulation } = cloud
  const model = new Model()
  await simulation.finish(cloud.start())
  const estate = await simulation.finish(buildEstate(cloud, TENANTS))
  await converge(cloud)
  const actor = new Actor({ cloud, model, estate, random: simulation.random('clients') })
  const judge = new Judge(cloud, model)
  simulation.check = () => judge.look()
  const random = simulation.random('faults')
  const faults = new Faults({ cloud, random, intervalMs: pick(random, FAULT_INTERVALS_MS) })
  if (hasFaults) faults.start()
  const underWay = await work({ actor, judge, workload, operations })
  await simulation.finish(faults.stop())
  await simulation.finish(Promise.all(underWay))
  const convergedMs = await converge(cloud)
  judge.conclude()
  await simulation.finish(checkAcknowledged(actor))
  await simulation.finish(checkUploads(actor))
  await simulation.finish(checkRevocations(actor))
  return {
    seed,
    digest: simulation.trace.digest(),
    events: simulation.events,
    requests: actor.requests,
    simulatedMs: simulation.clock.monotonicMs(),
    convergedMs,
  }
}

/** Begins operations one after the other, and answers with those that may still be under way. */
async function work(options: {
  readonly actor: Actor
  readonly judge: Judge
  readonly workload: Workload
  readonly operations: number
}): Promise<readonly Promise<void>[]> {
  const { actor, judge, workload, operations } = options
  const { random, cloud } = actor
  const weighted = workload.flatMap(([weight, operation]) => Array.from({ length: weight }, () => operation))
  const underWay: Promise<void>[] = []
  for (let begun = 0; begun < operations; begun++) {
    await cloud.simulation.pass(2 * PAUSE_MS * fraction(random))
    const operation = pick(random, weighted)
    underWay.push(operation(actor).catch((error: unknown) => judge.blame(error)))
  }
  return underWay
}

/** Lets time pass until all sites agree and rest, and answers how long that took. @throws AssertionError */
async function converge(cloud: SimulatedCloud): Promise<number> {
  const { simulation } = cloud
  const startMs = simulation.clock.monotonicMs()
  for (;;) {
    const tables = inspectSites(cloud)
    const open = findUnsettled(tables) ?? cloud.findEstranged() ?? findDivergence(tables)
    const elapsedMs = simulation.clock.monotonicMs() - startMs
    if (open === undefined) return elapsedMs
    assert.ok(elapsedMs < CONVERGENCE_MS_MAX, `the healed cloud does not come to agree: ${open}`)
    await simulation.pass(1000)
  }
}

/** Looks whether everything holds, during a run and at its end. Every method throws when something does not. */
class Judge {
  readonly #cloud: SimulatedCloud
  readonly #model: Model
  readonly #guests: GuestWatch
  readonly #homes = new HomeWatch()
  #blamed: unknown

  constructor(cloud: SimulatedCloud, model: Model) {
    this.#cloud = cloud
    this.#model = model
    this.#guests = new GuestWatch(cloud, model)
  }

  /** Fails the run at the next look, for what a client has found. */
  blame(error: unknown): void {
    this.#blamed ??= error
  }

  look(): void {
    if (this.#blamed !== undefined) throw this.#blamed
    this.#guests.check()
    if (this.#cloud.simulation.events % EVENTS_PER_AUDIT === 0) this.#audit()
  }

  conclude(): void {
    const tables = this.#audit()
    checkOnce(tables, this.#model)
    checkPorts(tables, this.#model)
    this.#guests.checkAgainst(tables)
    const state = tables.map((site) => site.recordTables.map((table) => site.records(table)))
    this.#cloud.simulation.note('the state of all sites', JSON.stringify(state))
  }

  #audit() {
    const tables = inspectSites(this.#cloud)
    checkLedgers(tables, this.#model)
    this.#homes.check(tables)
    return tables
  }
}
