/**
 * What goes wrong: peers die, sites lose power, links are cut one way or both, the cloud falls into islands, and links are
 * slow or lossy; and what is done about it.
 */

import { fraction, pick, type Random } from '@atoll/kit'
import { DELAY_MS_MAX, type SimulatedCloud } from '../simulated-cloud.ts'
import type { SimulatedSite } from '../site/simulated-site.ts'
import { describe, splitIntoIslands, straitsBetween } from './islands.ts'

export interface FaultsOptions {
  readonly cloud: SimulatedCloud
  readonly random: Random
  /** The mean time between two faults. */
  readonly intervalMs: number
  /** Default: anywhere. */
  readonly where?: 'at sites' | 'anywhere'
  /** Which peers may die; default: of all sites. */
  readonly sites?: readonly SimulatedSite[]
}

/** Of the causes below, those that concern one site alone come first. */
const CAUSES_AT_SITES = 4
const CAUSES = 11

const DOWN_MS_MAX = 5000
const CUT_MS_MAX = 15_000

export class Faults {
  readonly #options: FaultsOptions
  #isOver = false

  constructor(options: FaultsOptions) {
    this.#options = options
  }

  /** Makes things go wrong from now on, until `stop`. */
  start(): void {
    const { cloud, random, intervalMs } = this.#options
    cloud.simulation.clock.after(2 * intervalMs * fraction(random), () => {
      if (this.#isOver) return
      this.#cause()
      this.start()
    })
  }

  /** Nothing goes wrong any more: links are healed, and the peers that are down come up. */
  async stop(): Promise<void> {
    const { cloud } = this.#options
    this.#isOver = true
    cloud.simulation.note('all is healed')
    cloud.healNetwork()
    for (const site of this.#sites) if (!site.isUp) await site.start()
  }

  get #sites(): readonly SimulatedSite[] {
    return this.#options.sites ?? this.#options.cloud.sites
  }

  #cause(): void {
    const { cloud, random, where } = this.#options
    const site = pick(random, this.#sites)
    const other = pick(
      random,
      cloud.sites.filter((candidate) => candidate !== site),
    )
    const fault = random.below(where === 'at sites' ? CAUSES_AT_SITES : CAUSES)
    if (fault < 3) this.#stopFor(site, () => site.crash())
    else if (fault < 4) this.#stopFor(site, () => site.losePower())
    else if (fault < 6) this.#cut([site], [other])
    else if (fault < 7) this.#cutOneWay(site, other)
    else if (fault < 8) this.#isolate(site)
    else if (fault < 9) this.#split()
    else this.#disturb(site, other)
  }

  #stopFor(site: SimulatedSite, stop: () => void): void {
    stop()
    this.#later(DOWN_MS_MAX, () => {
      if (!this.#isOver && !site.isUp) void site.start()
    })
  }

  #isolate(site: SimulatedSite): void {
    this.#cut(
      [site],
      this.#options.cloud.sites.filter((other) => other !== site),
    )
  }

  /** Each strait heals at a time of its own: for a while some sites hear of others only through a third one. */
  #split(): void {
    const { cloud, random } = this.#options
    const islands = splitIntoIslands(random, cloud.sites)
    cloud.simulation.note(`islands: ${describe(islands)}`)
    for (const { from, to } of straitsBetween(islands)) this.#cutOneWay(cloud.site(from), cloud.site(to))
  }

  #cut(left: readonly SimulatedSite[], right: readonly SimulatedSite[]): void {
    for (const one of left) {
      for (const other of right) {
        this.#cutOneWay(one, other)
        this.#cutOneWay(other, one)
      }
    }
  }

  #cutOneWay(from: SimulatedSite, to: SimulatedSite): void {
    const { network, simulation } = this.#options.cloud
    const direction = { from: from.name, to: to.name }
    simulation.note(`${from.name} → ${to.name} is cut`)
    network.cut(direction)
    this.#later(CUT_MS_MAX, () => {
      simulation.note(`${from.name} → ${to.name} is healed`)
      network.heal(direction)
    })
  }

  #disturb(from: SimulatedSite, to: SimulatedSite): void {
    const { cloud, random } = this.#options
    const link = {
      delayMs: random.below(0.75 * DELAY_MS_MAX),
      jitterMs: random.below(0.25 * DELAY_MS_MAX),
      loss: random.below(3) === 0 ? 0.3 * fraction(random) : 0,
    }
    cloud.simulation.note(`${from.name} → ${to.name} is ${JSON.stringify(link)}`)
    cloud.network.setLink({ from: from.name, to: to.name }, link)
  }

  #later(delayMsMax: number, action: () => void): void {
    const { cloud, random } = this.#options
    cloud.simulation.clock.after(delayMsMax * fraction(random), action)
  }
}
