/** A cloud of simulated sites that run the overlay of production, and what an observer of all of them sees. */

import type { Random } from '@atoll/kit'
import {
  type Contact,
  DescriptorBook,
  type Member,
  OverlaySite,
  type OverlaySiteOptions,
  type Signatures,
  type SiteState,
  type Topic,
} from '@atoll/overlay'
import { DatagramNetwork } from '../datagrams/datagram-network.ts'
import type { RttMatrix } from '../rtt/rtt-matrix.ts'
import { SignatureAuthority } from './simulated-signatures.ts'

export interface OverlayRunOptions {
  readonly seed: number
  /** So many sites there can be; none of them runs at first. */
  readonly sites: number
  readonly rtt: RttMatrix
  readonly loss?: number
  /** Settings of all sites. */
  readonly site?: Pick<OverlaySiteOptions, 'membership' | 'faults' | 'dissemination' | 'space'>
  /** Further topics of each site. */
  readonly topics?: (index: number) => readonly Topic[]
}

/** One site's view of another has changed; `by` and `of` are indexes. */
export interface StateChange {
  readonly atMs: number
  readonly by: number
  readonly of: number
  readonly state: SiteState
  readonly before: SiteState | undefined
}

export class OverlayRun {
  readonly network: DatagramNetwork
  readonly authority: SignatureAuthority
  readonly random: Random
  /** Hears of each change at each site. */
  onState: (change: StateChange) => void = () => {}
  readonly #options: OverlayRunOptions
  readonly #sites: (OverlaySite | undefined)[] = []
  readonly #book: DescriptorBook

  constructor(options: OverlayRunOptions) {
    this.#options = options
    this.network = new DatagramNetwork({ seed: options.seed, rtt: options.rtt, loss: options.loss ?? 0 })
    this.authority = new SignatureAuthority(options.seed)
    this.random = this.network.random('scenario')
    this.#book = new DescriptorBook(this.authority.issue('observer'))
    for (let index = 0; index < options.sites; index++) this.network.add(nameOf(index))
  }

  get size(): number {
    return this.#options.sites
  }

  /** The site at `index`, if it runs. */
  site(index: number): OverlaySite | undefined {
    return this.network.isUp(index) ? this.#sites[index] : undefined
  }

  up(): number[] {
    return this.#sites.flatMap((_, index) => (this.network.isUp(index) ? [index] : []))
  }

  /** Starts a site, or starts it again; it knows one other site, by chance, unless `contact` says which. */
  start(index: number, contact?: number): void {
    const { site: settings, topics } = this.#options
    const site = new OverlaySite({
      environment: this.network.environmentOf(index),
      signatures: this.authority.issue(nameOf(index)),
      addresses: [],
      contacts: () => this.#contactOf(index, contact),
      book: this.#bookFor(index),
      topics: topics?.(index) ?? [],
      ...settings,
    })
    site.table.onChange((member, before) => this.#changed(index, member, before))
    this.#sites[index] = site
    this.network.start(index, site)
  }

  /** Starts sites that all know each other, with views by chance: a cloud that has run for a while. */
  startSettled(count: number): void {
    for (let index = 0; index < count; index++) this.start(index)
    const descriptors = this.#sites.slice(0, count).flatMap((site) => site?.self ?? [])
    for (const [index, site] of this.#sites.slice(0, count).entries()) {
      if (!site) continue
      const others = descriptors.filter((_, other) => other !== index)
      for (const descriptor of others) site.learn(descriptor)
      const { cacheSize } = site.cyclon.settings
      const view = Array.from({ length: Math.min(cacheSize, others.length) }, (_, step) => {
        const place = step + this.random.below(others.length - step)
        const chosen = others[place]
        others[place] = others[step] ?? (others[0] as never)
        return chosen
      })
      site.cyclon.seed(view.filter((descriptor) => descriptor !== undefined))
    }
  }

  crash(index: number): void {
    this.network.crash(index)
  }

  pass(durationMs: number): void {
    this.network.run(this.network.nowMs + durationMs)
  }

  views(): readonly (readonly number[] | undefined)[] {
    return this.#sites.map((site, index) =>
      site && this.network.isUp(index)
        ? site.cyclon.view.entries.map(({ descriptor }) => this.indexOf(descriptor.contact.site))
        : undefined,
    )
  }

  nameOf(index: number): string {
    return nameOf(index)
  }

  /** The keys of a site, for what a scenario says in its name. */
  signaturesOf(index: number): Signatures {
    return this.authority.issue(nameOf(index))
  }

  indexOf(site: string): number {
    return this.network.indexOf(site) ?? -1
  }

  /** Sites share what was verified, which is the same for all; a site signs with its own key. */
  #bookFor(index: number): DescriptorBook {
    const own = new DescriptorBook(this.authority.issue(nameOf(index)))
    const shared = this.#book
    return Object.assign(Object.create(own) as DescriptorBook, {
      read: (value: unknown) => shared.read(value),
      issue: (claim: Parameters<DescriptorBook['issue']>[0]) =>
        shared.read(own.issue(claim).signed) ?? own.issue(claim),
    })
  }

  #contactOf(index: number, contact: number | undefined): readonly Contact[] {
    if (contact !== undefined) return [this.network.contactOf(contact)]
    const up = this.up().filter((other) => other !== index)
    const chosen = up[up.length === 0 ? 0 : this.random.below(up.length)]
    return chosen === undefined ? [] : [this.network.contactOf(chosen)]
  }

  #changed(by: number, member: Member, before: SiteState | undefined): void {
    const change = {
      atMs: this.network.nowMs,
      by,
      of: this.indexOf(member.site),
      state: member.state,
      before,
    }
    this.onState(change)
  }
}

function nameOf(index: number): string {
  return `site-${index}`
}
