/**
 * What one site sees of the simulated network: its clock, its chance and its way out. One object with methods of its class
 * instead of closures, since a thousand sites take turns and each line of memory that one of them needs is read anew.
 */

import type { CancelTimer, Clock, Random } from '@atoll/kit'
import type { Contact, Environment, Message } from '@atoll/overlay'

/** The network as a site's world needs it. */
export interface WorldOfSites {
  readonly nowMs: number
  send(from: number, to: Contact, message: Message): void
  setTimer(index: number, delayMs: number, action: () => void): CancelTimer
}

/** Noon of a day in 2030, as in the simulation of whole clouds. */
const EPOCH_MS = Date.UTC(2030, 0, 15, 12)

export class SiteWorld implements Environment, Clock {
  readonly random: Random
  readonly #network: WorldOfSites
  readonly #index: number

  constructor(network: WorldOfSites, index: number, random: Random) {
    this.#network = network
    this.#index = index
    this.random = random
  }

  get clock(): Clock {
    return this
  }

  nowMs(): number {
    return EPOCH_MS + this.#network.nowMs
  }

  monotonicMs(): number {
    return this.#network.nowMs
  }

  after(delayMs: number, action: () => void): CancelTimer {
    return this.#network.setTimer(this.#index, delayMs, action)
  }

  send(to: Contact, message: Message): void {
    this.#network.send(this.#index, to, message)
  }
}
