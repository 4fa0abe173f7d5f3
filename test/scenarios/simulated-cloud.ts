/** A cloud of simulated sites on one simulated network, with clients that ask any of them. */

import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SimulatedUnderlay } from '@atoll/fabric'
import { MockNetwork } from '@atoll/overlay'
import type { Simulation } from '@atoll/simulator'
import type { Reply, RequestOptions } from './client.ts'
import type { Plant } from './plants.ts'
import { SimulatedSite } from './site/simulated-site.ts'

/** The WAN when nothing is wrong with it. */
export const HEALTHY_LINK = { delayMs: 10, jitterMs: 5, loss: 0 }

const NAMES = ['atlantic', 'baltic', 'caribbean', 'dead-sea', 'east-sea', 'filchner', 'greenland', 'hudson']
export const SITES_MAX = NAMES.length

/** Where syncing a file costs nothing, if the machine has such a place. */
const MEMORY_DISK = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()

/** A client waits this long; a peer that is up and does not answer by then has forgotten the request. */
const PATIENCE_MS = 120_000

export interface CloudOptions {
  readonly simulation: Simulation
  readonly sites: number
  readonly hostsPerSite: number
  readonly plant?: Plant
}

export class SimulatedCloud {
  readonly simulation: Simulation
  readonly network: MockNetwork
  readonly sites: readonly SimulatedSite[]
  readonly #directory: string

  constructor({ simulation, sites, hostsPerSite, plant }: CloudOptions) {
    const { clock } = simulation
    this.simulation = simulation
    this.#directory = mkdtempSync(join(MEMORY_DISK, 'atoll-cloud-'))
    this.network = new MockNetwork({ clock, random: simulation.random('network'), link: HEALTHY_LINK })
    const underlay = new SimulatedUnderlay()
    const names = NAMES.slice(0, sites)
    this.sites = names.map(
      (name, index) =>
        new SimulatedSite({
          simulation,
          network: this.network,
          underlay,
          name,
          code: index + 1,
          founder: names[0] ?? '',
          hosts: hostsPerSite,
          directory: this.#directory,
          ...(plant ? { plant } : {}),
        }),
    )
  }

  get founder(): SimulatedSite {
    const [founder] = this.sites
    if (!founder) throw new RangeError('a cloud has at least one site')
    return founder
  }

  /** Starts every site, the founder first. */
  async start(): Promise<void> {
    for (const site of this.sites) await site.start()
  }

  /**
   * Sends a client's request to a site.
   * @throws Error when a peer that lived all the time has not answered in time
   */
  async request(site: SimulatedSite, { method, path, token, body, headers }: RequestOptions): Promise<Reply> {
    const { clock } = this.simulation
    const isStream = Buffer.isBuffer(body)
    const late = Promise.withResolvers<never>()
    const cancel = clock.after(PATIENCE_MS, () =>
      late.reject(new Error(`${site.name} has not answered ${method} ${path}`)),
    )
    const answer = await Promise.race([
      late.promise,
      site.request({
        method,
        url: path,
        headers: {
          host: site.name,
          ...(token === undefined ? {} : { 'x-auth-token': token }),
          ...(body === undefined
            ? {}
            : { 'content-type': isStream ? 'application/octet-stream' : 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { payload: isStream ? body : JSON.stringify(body) }),
      }),
    ]).finally(cancel)
    if (!answer) return { kind: 'lost' }
    return { kind: 'answered', ...answer }
  }

  /** Lets go of all files. */
  async close(): Promise<void> {
    for (const site of this.sites) if (site.isUp) site.crash()
    await Promise.all(this.sites.map(({ disk }) => disk.remove()))
    rmSync(this.#directory, { recursive: true })
  }
}
