/** Where a scenario plays: a cloud with its estate, clients that work at it, and a judge who looks at all of it. */

import assert from 'node:assert/strict'
import { fraction, pick, type Random } from '@atoll/kit'
import type { Simulation } from '@atoll/simulator'
import { findDivergence, findUnsettled } from './invariants/homes.ts'
import { inspectSites, type SiteTables } from './invariants/tables.ts'
import { Judge } from './judge.ts'
import { Model } from './model.ts'
import type { SimulatedCloud } from './simulated-cloud.ts'
import { Actor } from './workload/actor.ts'
import { EVERYTHING, type Workload } from './workload/operations.ts'
import { buildEstate } from './workload/tenants.ts'

const TENANTS = 2

/** How long a healed cloud may take until all agrees: a guest that ignores its power button has a minute. */
const CONVERGENCE_MS_MAX = 90_000

export interface Work {
  readonly operations: number
  /** The mean pause between two operations; some overlap. */
  readonly pauseMs: number
  readonly workload?: Workload
}

export class Stage {
  readonly cloud: SimulatedCloud
  readonly actor: Actor
  readonly judge: Judge
  /** Chance for what happens to the cloud. */
  readonly random: Random
  readonly #underWay: Promise<void>[] = []

  /** A cloud that has just started and rests, with its estate. */
  static async open(cloud: SimulatedCloud): Promise<Stage> {
    const { simulation } = cloud
    await simulation.finish(cloud.start())
    const estate = await simulation.finish(buildEstate(cloud, TENANTS))
    const model = new Model()
    const actor = new Actor({ cloud, model, estate, random: simulation.random('clients') })
    const stage = new Stage(cloud, actor, new Judge(cloud, model))
    await stage.converge()
    simulation.check = () => stage.judge.look()
    return stage
  }

  private constructor(cloud: SimulatedCloud, actor: Actor, judge: Judge) {
    this.cloud = cloud
    this.actor = actor
    this.judge = judge
    this.random = cloud.simulation.random('plot')
  }

  get simulation(): Simulation {
    return this.cloud.simulation
  }

  /** What is durable at every site now. */
  get tables(): readonly SiteTables[] {
    return inspectSites(this.cloud)
  }

  /** Lets clients begin operations one after the other; those that take long may still be under way after it. */
  async work({ operations, pauseMs, workload = EVERYTHING }: Work): Promise<void> {
    const { actor, judge, simulation } = this
    const weighted = workload.flatMap(([weight, operation]) =>
      Array.from({ length: weight }, () => operation),
    )
    for (let begun = 0; begun < operations; begun++) {
      await simulation.pass(2 * pauseMs * fraction(actor.random))
      const operation = pick(actor.random, weighted)
      this.#underWay.push(operation(actor).catch((error: unknown) => judge.blame(error)))
    }
  }

  /** Lets time pass until the clients have heard of all that they asked for. */
  async hearAnswers(): Promise<void> {
    await this.simulation.finish(Promise.all(this.#underWay.splice(0)))
  }

  /** Lets time pass until all sites agree and rest, and answers how long that took. @throws AssertionError */
  converge(): Promise<number> {
    return this.until('the healed cloud comes to agree', CONVERGENCE_MS_MAX, () => {
      const { tables, cloud } = this
      return (
        findUnsettled(tables) ??
        cloud.findEstranged() ??
        findDivergence(
          tables,
          cloud.givenUp.map(({ name }) => name),
        )
      )
    })
  }

  /**
   * Lets time pass until `findOpen` finds nothing, and answers how long that took. @param what a statement
   * @throws AssertionError with what is still open when it takes longer than `timeoutMs`
   */
  async until(what: string, timeoutMs: number, findOpen: () => string | undefined): Promise<number> {
    const { simulation } = this
    const startMs = simulation.clock.monotonicMs()
    for (;;) {
      const open = findOpen()
      const elapsedMs = simulation.clock.monotonicMs() - startMs
      if (open === undefined) return elapsedMs
      assert.ok(elapsedMs < timeoutMs, `it does not come to pass that ${what}: ${open}`)
      await simulation.pass(1000)
    }
  }
}
