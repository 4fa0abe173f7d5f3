/** A client that remembers what it was told: each request is noted, its reply checked and the model brought up to date. */

import type { Random } from '@atoll/kit'
import { fraction, pick } from '@atoll/kit'
import { bodyText, checkReply, type Outcome, outcomeOf, type Reply, type RequestOptions } from '../client.ts'
import type { Kind, Model, Thing } from '../model.ts'
import type { SimulatedCloud } from '../simulated-cloud.ts'
import type { SimulatedSite } from '../site/simulated-site.ts'
import { adminCredentials, credentialsOf, type Estate, login, loginRequest, type Tenant } from './tenants.ts'

export interface ActorOptions {
  readonly cloud: SimulatedCloud
  readonly model: Model
  readonly estate: Estate
  readonly random: Random
}

export interface Asked {
  readonly reply: Reply
  readonly outcome: Outcome
}

export class Actor {
  readonly cloud: SimulatedCloud
  readonly model: Model
  readonly random: Random
  /** Where clients are: they ask nobody else. */
  sites: readonly SimulatedSite[]
  #estate: Estate
  #requests = 0

  constructor({ cloud, model, estate, random }: ActorOptions) {
    this.cloud = cloud
    this.model = model
    this.random = random
    this.sites = cloud.sites
    this.#estate = estate
  }

  get estate(): Estate {
    return this.#estate
  }

  get requests(): number {
    return this.#requests
  }

  chance(share: number): boolean {
    return fraction(this.random) < share
  }

  /** A site whose peer is up, or any when all are down. */
  anySite(): SimulatedSite {
    const up = this.sites.filter((site) => site.isUp)
    return pick(this.random, up.length > 0 ? up : this.sites)
  }

  /** Gives everybody a new token, from one site, as the old ones may have expired. @throws Error when it refuses */
  async renewTokens(site: SimulatedSite): Promise<void> {
    const { cloud } = this
    const adminToken = await login(cloud, site, adminCredentials)
    const tenants: Tenant[] = []
    for (const [index, tenant] of this.#estate.tenants.entries())
      tenants.push({ ...tenant, token: await login(cloud, site, credentialsOf(tenant, index)) })
    this.#estate = { ...this.#estate, adminToken, tenants }
  }

  anyTenant(): { readonly tenant: Tenant; readonly index: number } {
    const index = this.random.below(this.estate.tenants.length)
    return { tenant: this.tenant(index), index }
  }

  /** A thing of a kind, of one tenant or of all, that nobody works on and that may be there. */
  anyIdle(kind: Kind, projectIndex?: number): Thing | undefined {
    const idle = this.model
      .idle(kind)
      .filter((thing) => projectIndex === undefined || thing.projectIndex === projectIndex)
    return idle.length === 0 ? undefined : pick(this.random, idle)
  }

  /** The tenant of a thing. */
  tenant(index: number): Tenant {
    const tenant = this.estate.tenants[index]
    if (!tenant) throw new RangeError(`there is no tenant ${index}`)
    return tenant
  }

  /** Sends a request to a site, any by default. @throws Error for a reply that no client could make sense of */
  async ask(request: RequestOptions, site: SimulatedSite = this.anySite()): Promise<Asked> {
    const { simulation } = this.cloud
    const number = ++this.#requests
    const what = `${request.method} ${request.path} at ${site.name}`
    simulation.note(`#${number} ${what}`, JSON.stringify(request.body ?? null))
    const reply = await this.cloud.request(site, request)
    simulation.note(
      `#${number} ${reply.kind === 'lost' ? 'lost' : reply.status}`,
      ...(reply.kind === 'lost' ? [] : [reply.body]),
    )
    checkReply(reply, what)
    return { reply, outcome: outcomeOf(reply) }
  }

  /** Logs a tenant in. @throws Error when a site that answers refuses: all that this needs is everywhere */
  async login(site: SimulatedSite = this.anySite()): Promise<Asked> {
    const { tenant, index } = this.anyTenant()
    const asked = await this.ask(loginRequest(credentialsOf(tenant, index)), site)
    const { reply } = asked
    if (reply.kind === 'answered' && reply.status !== 201)
      throw new Error(`a login at ${site.name} was answered ${reply.status}: ${bodyText(reply)}`)
    return asked
  }

  /** Creates something of a new name, at any site by default, and adds it to the model when it was acknowledged. */
  async create(
    kind: Kind,
    request: (name: string) => RequestOptions,
    read: (reply: Reply, name: string) => Omit<Thing, 'kind' | 'names' | 'deletion' | 'isBusy'>,
    site?: SimulatedSite,
  ): Promise<Thing | undefined> {
    const name = this.model.newName(kind)
    const { reply, outcome } = await this.ask(request(name), site)
    this.model.creates.set(name, outcome)
    if (outcome !== 'done') return undefined
    const thing: Thing = { ...read(reply, name), kind, names: [name], deletion: 'no', isBusy: false }
    this.model.add(thing)
    return thing
  }

  /** Works on a thing that nobody else works on meanwhile. */
  async exclusively<T extends Thing>(thing: T, work: () => Promise<void>): Promise<void> {
    thing.isBusy = true
    try {
      await work()
    } finally {
      thing.isBusy = false
    }
  }

  /** Deletes a thing. */
  remove(thing: Thing, token: string): Promise<void> {
    return this.exclusively(thing, async () => {
      const before = thing.deletion
      // From the moment that it is sent, it may happen.
      thing.deletion = 'maybe'
      const { reply, outcome } = await this.ask({ method: 'DELETE', path: thing.path, token })
      const isUnknownThere = reply.kind === 'answered' && reply.status === 404
      if (isUnknownThere && before === 'no')
        throw new Error(`${thing.kind} ${thing.id} was made and is not found`)
      if (outcome === 'done' || isUnknownThere) thing.deletion = 'yes'
      else if (outcome === 'refused') thing.deletion = before
    })
  }

  /** Gives a thing a new name. */
  rename(thing: Thing, request: (name: string) => RequestOptions): Promise<void> {
    return this.exclusively(thing, async () => {
      const name = this.model.newName(thing.kind)
      const before = thing.names
      thing.names = [...before, name]
      const { outcome } = await this.ask(request(name))
      // A rename of which nobody heard may still come, and undo this one.
      if (outcome === 'done' && before.length === 1) thing.names = [name]
      if (outcome === 'refused') thing.names = before
    })
  }
}
