/** A cloud of simulated sites on one simulated network, with clients that ask any of them. */

import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SimulatedUnderlay } from '@atoll/fabric'
import { fraction, siteCodeOf } from '@atoll/kit'
import { type Direction, type MockLink, MockNetwork } from '@atoll/overlay'
import type { Simulation } from '@atoll/simulator'
import type { Reply, RequestOptions } from './client.ts'
import type { Plant } from './plants.ts'
import { SimulatedSite } from './site/simulated-site.ts'
import { describe, type Island, straitsBetween } from './workload/islands.ts'

const JITTER_MS = 5

const NAMES = ['atlantic', 'baltic', 'caribbean', 'dead-sea', 'east-sea', 'filchner', 'greenland', 'hudson']
export const SITES_MAX = NAMES.length

/** Where syncing a file costs nothing, if the machine has such a place. */
const MEMORY_DISK = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()

/** No message is under way for longer, whatever is wrong with a link. */
export const DELAY_MS_MAX = 400

/** What followers ask for. */
const FOLLOWING = /^\/peer\/v1\/(feed|sites)/

/** A client waits this long; a peer that is up and does not answer by then has forgotten the request. */
const PATIENCE_MS = 120_000

export interface CloudOptions {
  readonly simulation: Simulation
  readonly sites: number
  readonly hostsPerSite: number
  /** One way between two sites when nothing is wrong: some near, some far, and not the same both ways. */
  readonly distanceMsMax: number
  /** See the setting of this name. Default: all are followed closely. */
  readonly closeSitesMax?: number | undefined
  readonly plant?: Plant
}

/** After so much silence gossip has found a site out, too. */
const GOSSIP_SILENCE_MS = 30_000

export class SimulatedCloud {
  readonly simulation: Simulation
  readonly network: MockNetwork
  readonly #sites: readonly SimulatedSite[]
  readonly #givenUp = new Set<SimulatedSite>()
  readonly #directory: string
  readonly #links: readonly (Direction & { readonly link: MockLink })[]
  /** When a site last answered another one, by `asking answering`. */
  readonly #answeredMs = new Map<string, number>()
  /** How often a site asked another one whether it has news, likewise. */
  readonly #looks = new Map<string, number>()

  readonly #areSomeFar: boolean

  constructor({ simulation, sites, hostsPerSite, distanceMsMax, closeSitesMax, plant }: CloudOptions) {
    const { clock } = simulation
    this.#areSomeFar = closeSitesMax !== undefined && sites - 1 > closeSitesMax
    this.simulation = simulation
    this.#directory = mkdtempSync(join(MEMORY_DISK, 'atoll-cloud-'))
    this.network = new MockNetwork({ clock, random: simulation.random('network') })
    const underlay = new SimulatedUnderlay()
    const names = NAMES.slice(0, sites)
    this.#sites = names.map(
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
          onAnswer: (asking, answering) =>
            this.#answeredMs.set(`${asking} ${answering}`, clock.monotonicMs()),
          onAsk: (asking, answering, path) => {
            if (FOLLOWING.test(path))
              this.#looks.set(`${asking} ${answering}`, this.looks(asking, answering) + 1)
          },
          closeSitesMax,
          ...(plant ? { plant } : {}),
        }),
    )
    const random = simulation.random('distances')
    this.#links = this.#sites.flatMap((from) =>
      this.#sites
        .filter((to) => to !== from)
        .map((to) => ({
          from: from.name,
          to: to.name,
          // Most are near: the square of a fraction is below a quarter in half of all cases.
          link: { delayMs: distanceMsMax * fraction(random) ** 2, jitterMs: JITTER_MS, loss: 0 },
        })),
    )
    this.healNetwork()
  }

  /** Every link is as it is when nothing is wrong. */
  healNetwork(): void {
    for (const { link, ...direction } of this.#links) {
      this.network.heal(direction)
      this.network.setLink(direction, link)
    }
  }

  /** Those of which the cloud consists: all but what was given up. */
  get sites(): readonly SimulatedSite[] {
    return this.#sites.filter((site) => !this.#givenUp.has(site))
  }

  /** Sites that are lost for good, or count as that. */
  get givenUp(): readonly SimulatedSite[] {
    return [...this.#givenUp]
  }

  /** Nobody expects anything of this site any more. */
  giveUp(site: SimulatedSite): void {
    this.#givenUp.add(site)
  }

  /** Whether an id was minted at a site that was given up. */
  isOfGivenUp(id: string): boolean {
    return this.givenUp.some(({ code }) => code === siteCodeOf(id))
  }

  get founder(): SimulatedSite {
    const [founder] = this.#sites
    if (!founder) throw new RangeError('a cloud has at least one site')
    return founder
  }

  /** The site of this name. */
  site(name: string): SimulatedSite {
    const found = this.#sites.find((site) => site.name === name)
    if (!found) throw new RangeError(`there is no site ${name}`)
    return found
  }

  /** Everything that is on the way between islands is lost, until `healNetwork`. */
  split(islands: readonly Island[]): void {
    this.simulation.note(`islands: ${describe(islands)}`)
    for (const strait of straitsBetween(islands)) this.network.cut(strait)
  }

  /** How often one site has tried to follow another so far. */
  looks(asking: string, answering: string): number {
    return this.#looks.get(`${asking} ${answering}`) ?? 0
  }

  /**
   * Whether a site must have noticed that another one is silent: it has not heard of it for `patienceMs`. Of one that it does
   * not ask all the time it also hears from others, so nobody whom it has heard of lately may have heard of it.
   */
  isSilent({ asking, answering }: { asking: string; answering: string }, patienceMs: number): boolean {
    if (!this.#areSomeFar) return this.silenceMs({ asking, answering }) > patienceMs
    const informed = new Set([asking])
    for (const site of informed)
      for (const { name } of this.sites)
        if (this.silenceMs({ asking: site, answering: name }) <= GOSSIP_SILENCE_MS) informed.add(name)
    return !informed.has(answering)
  }

  /** How long a site has certainly heard nothing of another one. */
  silenceMs({ asking, answering }: { readonly asking: string; readonly answering: string }): number {
    if (asking === answering) return 0
    const answeredMs = this.#answeredMs.get(`${asking} ${answering}`) ?? 0
    return Math.max(0, this.simulation.clock.monotonicMs() - answeredMs - DELAY_MS_MAX)
  }

  /** Two sites of which one takes the other for unreachable; undefined when all see all. */
  findEstranged(): string | undefined {
    for (const site of this.sites) {
      for (const other of this.sites) {
        if (!site.peer?.federation.freshness.isReachable(other.name))
          return `${site.name} cannot reach ${other.name}`
        const state = site.peer.federation.overlay.find(other.name)?.state
        if (other !== site && state !== 'alive' && state !== 'dormant')
          return `${site.name} holds ${other.name} for ${state}`
      }
    }
    return undefined
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
    for (const site of this.#sites) if (site.isUp) site.crash()
    await Promise.all(this.#sites.map(({ disk }) => disk.remove()))
    rmSync(this.#directory, { recursive: true })
  }
}
