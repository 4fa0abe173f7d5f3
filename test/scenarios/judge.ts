/** Looks whether everything holds, during a run and at its end. Every method throws when something does not. */

import { checkOnce } from './invariants/acknowledged.ts'
import { GuestWatch } from './invariants/guests.ts'
import { checkPorts, HomeWatch } from './invariants/homes.ts'
import { checkLedgers } from './invariants/ledgers.ts'
import { inspectSites } from './invariants/tables.ts'
import type { Model } from './model.ts'
import type { SimulatedCloud } from './simulated-cloud.ts'

/** Reading every table costs more than an event, so the sums are looked at now and then. */
const EVENTS_PER_AUDIT = 500

export class Judge {
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
