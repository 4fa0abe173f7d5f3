/**
 * One peer serves each host. Who it is stands in the shared store with an epoch:
 *
 *     nobody's ──take──▶ ours, epoch n ──hand over (we stopped first)──▶ another's, epoch n+1
 *                          │ we fell silent, or began anew
 *                          └──────────▶ taken by another, epoch n+1: whatever we still write of it is refused
 *
 * `confirm` reads the epoch in the transaction that writes, so no clock and no timeout decides who is right. What a peer does to
 * a real host outside of the store is fenced by the host itself: by a lock of its kernel, which `acquire` takes.
 */

import { assert, type Clock, type Logger, Reconciler, type Service } from '@atoll/kit'
import type { State, StateTransaction } from '@atoll/state'
import { HostTaken } from './errors.ts'
import type { Membership } from './membership.ts'
import { type HostToServe, planOwners } from './plan-owners.ts'
import { hostOwners } from './tables.ts'

/** A host as this peer can reach it. */
export interface ReachableHost {
  readonly name: string
  /** Makes the host ready to be served by this process alone; false while another process has it. */
  readonly acquire: () => Promise<boolean>
  /** Lets go of it: called when nothing works on it any more. */
  readonly release: () => Promise<void>
}

export interface HostOwnershipOptions {
  readonly state: State
  readonly membership: Membership
  readonly hosts: readonly ReachableHost[]
  readonly clock: Clock
  readonly log: Logger
}

interface Owner {
  readonly peer: string
  readonly incarnation: string
  readonly epoch: number
}

export type OwnershipListener = (host: string, isOwn: boolean) => Promise<void> | void

/** A peer that was refused a host, whose lock another process holds, asks again after this; so does one that saw no change. */
const LOOK_AGAIN_MS = 3_000
/** Hosts that are written in one transaction. */
const BATCH = 200

export class HostOwnership {
  readonly #options: HostOwnershipOptions
  readonly #reachable: ReadonlyMap<string, ReachableHost>
  /** As the store had it when we looked last. */
  #owners: ReadonlyMap<string, Owner> = new Map()
  /** The epochs under which this process serves its hosts. */
  readonly #own = new Map<string, number>()
  readonly #listeners = new Set<OwnershipListener>()
  readonly #reconciler: Reconciler

  constructor(options: HostOwnershipOptions) {
    this.#options = options
    this.#reachable = new Map(options.hosts.map((host) => [host.name, host]))
    this.#reconciler = new Reconciler({
      name: 'owner of hosts',
      clock: options.clock,
      log: options.log,
      intervalMs: LOOK_AGAIN_MS,
      pass: () => this.#pass(),
    })
  }

  /** Whether this process serves the host, as far as it knows. */
  isOwn(host: string): boolean {
    return this.#own.has(host)
  }

  /** Name of the peer that served the host when we looked last. */
  ownerOf(host: string): string | undefined {
    return this.isOwn(host) ? this.#options.membership.self.name : this.#owners.get(host)?.peer
  }

  /** How many hosts a peer served when we looked last. */
  countOf(peer: string): number {
    return [...this.#owners.values()].filter((owner) => owner.peer === peer).length
  }

  /** False when the peer that serves a host of this site is silent, so that nothing happens on it for now. */
  isServed(host: string): boolean {
    const owner = this.ownerOf(host)
    return owner === undefined || this.#options.membership.isAlive(owner)
  }

  /**
   * To be called in each transaction that writes what this peer knows of a host.
   * @throws HostTaken when another process serves it by now
   */
  async confirm(transaction: StateTransaction, host: string): Promise<void> {
    const epoch = this.#own.get(host)
    const row = await transaction
      .local(hostOwners)
      .select('epoch')
      .where('host', '=', host)
      .executeTakeFirst()
    if (epoch !== undefined && row?.epoch === epoch) return
    this.#reconciler.poke()
    throw HostTaken({ host })
  }

  /** Tells of each host that this process begins or ceases to serve, and waits for the listener. */
  onChange(listener: OwnershipListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  service(): Service {
    const { state, membership } = this.#options
    return {
      name: this.#reconciler.name,
      run: async (signal) => {
        const poke = () => this.#reconciler.poke()
        const stops = [
          membership.onChange(poke),
          state.onCommit((changes) => {
            if (changes.some(({ table }) => table === hostOwners.name)) poke()
          }),
        ]
        await this.#reconciler.run(signal)
        for (const stop of stops) stop()
      },
    }
  }

  async #pass(): Promise<void> {
    const { state, membership } = this.#options
    const rows = await state.session(() => state.local(hostOwners).selectAll().execute())
    this.#owners = new Map(rows.map(({ host, ...owner }) => [host, owner]))
    for (const [host, epoch] of [...this.#own])
      if (this.#owners.get(host)?.epoch !== epoch) await this.#lose(host)
    const plan = planOwners(
      this.#hostsToServe(),
      membership.alive.map(({ name }) => name),
    )
    await this.#handOver(plan)
    await this.#take(plan)
  }

  #hostsToServe(): readonly HostToServe[] {
    const reachableBy = new Map<string, Set<string>>()
    const self = this.#options.membership.self
    for (const { name, hosts } of [...this.#options.membership.all, self]) {
      for (const host of hosts) reachableBy.set(host, (reachableBy.get(host) ?? new Set()).add(name))
    }
    return [...reachableBy].map(([name, peers]) => ({
      name,
      owner: this.#owners.get(name)?.peer,
      reachableBy: peers,
    }))
  }

  /** Takes what the plan gives us and nobody alive serves. */
  async #take(plan: ReadonlyMap<string, string>): Promise<void> {
    const { membership } = this.#options
    if (membership.isSuperseded) return
    const self = membership.self.name
    const wanted: ReachableHost[] = []
    for (const host of this.#reachable.values()) {
      if (plan.get(host.name) !== self || this.#own.has(host.name)) continue
      const owner = this.#owners.get(host.name)
      // Another live peer hands it over itself, when nothing of it works there any more.
      if (owner && owner.peer !== self && membership.isAlive(owner.peer)) continue
      if (await host.acquire()) wanted.push(host)
    }
    for (let from = 0; from < wanted.length; from += BATCH) {
      const batch = wanted.slice(from, from + BATCH)
      const taken = await this.#write(
        batch.map(({ name }) => ({ host: name, peer: self, incarnation: membership.incarnation })),
      )
      for (const host of batch) {
        const epoch = taken.get(host.name)
        if (epoch === undefined) await host.release()
        else await this.#gain(host.name, epoch)
      }
    }
  }

  /** Gives hosts of ours to those who have fewer, also those that were given to us and that we have not taken yet. */
  async #handOver(plan: ReadonlyMap<string, string>): Promise<void> {
    const self = this.#options.membership.self.name
    const given: { host: string; peer: string; incarnation: string }[] = []
    for (const host of this.#reachable.keys()) {
      const heir = plan.get(host)
      const isOwn = this.#own.has(host)
      if (heir === undefined || heir === self || !(isOwn || this.#owners.get(host)?.peer === self)) continue
      if (isOwn) await this.#lose(host)
      given.push({ host, peer: heir, incarnation: '' })
    }
    for (let from = 0; from < given.length; from += BATCH) await this.#write(given.slice(from, from + BATCH))
  }

  /** Writes new owners where nobody was quicker; answers the epochs of those that were written. */
  async #write(
    changes: readonly { readonly host: string; readonly peer: string; readonly incarnation: string }[],
  ): Promise<ReadonlyMap<string, number>> {
    return this.#options.state.transaction(async (transaction) => {
      const epochs = new Map<string, number>()
      for (const { host, peer, incarnation } of changes) {
        const seen = this.#owners.get(host)?.epoch
        const row = await transaction
          .local(hostOwners)
          .select('epoch')
          .where('host', '=', host)
          .executeTakeFirst()
        if (row?.epoch !== seen) continue
        const epoch = (seen ?? 0) + 1
        const { queries } = transaction
        const owner = { peer, incarnation, epoch }
        if (row) await queries.updateTable(hostOwners.name).set(owner).where('host', '=', host).execute()
        else
          await queries
            .insertInto(hostOwners.name)
            .values({ host, ...owner })
            .execute()
        transaction.tell({ table: hostOwners.name, id: host })
        epochs.set(host, epoch)
      }
      return epochs
    })
  }

  async #gain(host: string, epoch: number): Promise<void> {
    this.#own.set(host, epoch)
    this.#options.log.info({ host, epoch }, 'this peer serves the host from now on')
    for (const listener of this.#listeners) await listener(host, true)
  }

  async #lose(host: string): Promise<void> {
    const reachable = this.#reachable.get(host)
    assert(reachable, 'a host that is served can be reached')
    this.#own.delete(host)
    this.#options.log.info({ host }, 'this peer does not serve the host any more')
    for (const listener of this.#listeners) await listener(host, false)
    await reachable.release()
  }
}
