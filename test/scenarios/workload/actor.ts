/** A client that remembers what it was told: each request is noted, its reply checked and the model brought up to date. */

import type { Random } from '@atoll/kit'
import { fraction, pick } from '@atoll/kit'
import { checkReply, type Outcome, outcomeOf, type Reply, type RequestOptions } from '../client.ts'
import type { Kind, Model, Thing } from '../model.ts'
import type { SimulatedCloud } from '../simulated-cloud.ts'
import type { SimulatedSite } from '../site/simulated-site.ts'
import type { Estate, Tenant } from './tenants.ts'

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
  readonly estate: Estate
  readonly random: Random
  #requests = 0

  constructor({ cloud, model, estate, random }: ActorOptions) {
    this.cloud = cloud
    this.model = model
    this.estate = estate
    this.random = random
  }

  get requests(): number {
    return this.#requests
  }

  chance(share: number): boolean {
    return fraction(this.random) < share
  }

  /** A site whose peer is up, or any when all are down. */
  anySite(): SimulatedSite {
    const up = this.cloud.sites.filter((site) => site.isUp)
    return pick(this.random, up.length > 0 ? up : this.cloud.sites)
  }

  anyTenant(): { readonly tenant: Tenant; readonly index: number } {
    const index = this.random.below(this.estate.tenants.length)
    return { tenant: this.tenant(index), index }
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

  /** Creates something of a new name, and adds it to the model when it was acknowledged. */
  async create(
    kind: Kind,
    request: (name: string) => RequestOptions,
    read: (reply: Reply, name: string) => Omit<Thing, 'kind' | 'names' | 'deletion' | 'isBusy'>,
  ): Promise<Thing | undefined> {
    const name = this.model.newName(kind)
    const { reply, outcome } = await this.ask(request(name))
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
