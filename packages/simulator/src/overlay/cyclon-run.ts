/** Cyclon alone at the size of its paper: the graph after so many cycles from a ring, and after a massive crash. */

import { Cyclon, type CyclonSettings, type Descriptor, DescriptorBook } from '@atoll/overlay'
import { DatagramNetwork } from '../datagrams/datagram-network.ts'
import type { RttMatrix } from '../rtt/rtt-matrix.ts'
import { type GraphMeasures, measureGraph } from './graph.ts'
import { SignatureAuthority } from './simulated-signatures.ts'

export interface CyclonRunOptions {
  readonly seed: number
  readonly sites: number
  readonly settings?: Partial<CyclonSettings>
  readonly rtt?: RttMatrix
  readonly loss?: number
}

/** Round trips do not matter to the graph; a flat matrix needs no memory. */
const flat = (size: number): RttMatrix => ({ size, rttMs: (from, to) => (from === to ? 0 : 100) })

export class CyclonRun {
  readonly network: DatagramNetwork
  readonly #cyclons: Cyclon[] = []
  readonly #periodMs: number

  constructor({ seed, sites, settings = {}, rtt = flat(sites), loss = 0 }: CyclonRunOptions) {
    this.network = new DatagramNetwork({ seed, rtt, loss })
    const authority = new SignatureAuthority(seed)
    // Verified descriptors are the same for all, so one book serves all of them.
    const descriptors: Descriptor[] = []
    let book: DescriptorBook | undefined
    for (let index = 0; index < sites; index++) {
      const site = `site-${index}`
      this.network.add(site)
      const own = new DescriptorBook(authority.issue(site))
      book ??= own
      const signed = own.issue({ addresses: [], incarnation: 1, state: 'alive' }).signed
      const descriptor = book.read(signed)
      if (!descriptor) throw new Error('a genuine descriptor was refused')
      descriptors.push(descriptor)
      const environment = this.network.environmentOf(index)
      this.#cyclons.push(new Cyclon({ environment, book, self: () => descriptor, settings }))
    }
    this.#periodMs = this.#cyclons[0]?.settings.periodMs ?? 0
    for (const [index, cyclon] of this.#cyclons.entries()) {
      const { cacheSize } = cyclon.settings
      const next = Array.from({ length: cacheSize }, (_, step) => descriptors[(index + step + 1) % sites])
      cyclon.seed(next.filter((descriptor) => descriptor !== undefined))
      this.network.start(index, cyclon)
    }
  }

  pass(cycles: number): void {
    this.network.run(this.network.nowMs + cycles * this.#periodMs)
  }

  /** Crashes a share of the sites by chance. */
  crash(share: number): void {
    const random = this.network.random('crash')
    const up = this.#cyclons.map((_, index) => index).filter((index) => this.network.isUp(index))
    for (let count = Math.round(share * up.length); count > 0; count--) {
      const [index = 0] = up.splice(random.below(up.length), 1)
      this.network.crash(index)
    }
  }

  views(): readonly (readonly number[] | undefined)[] {
    return this.#cyclons.map(({ view }, index) =>
      this.network.isUp(index)
        ? view.entries.map(({ descriptor }) => this.network.indexOf(descriptor.contact.site) ?? -1)
        : undefined,
    )
  }

  measure(): GraphMeasures {
    return measureGraph({ views: this.views(), random: this.network.random('measures') })
  }

  /** Links of the living to the dead. */
  deadLinks(): number {
    const views = this.views()
    return views.reduce((sum, view) => sum + (view?.filter((other) => !views[other]).length ?? 0), 0)
  }
}
