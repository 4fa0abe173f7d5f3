/**
 * Where the sites are: positions, the nearest of them, and the ring, over the table of members of one site. It is told of
 * each change of the table, so that nobody asks the dead, and what has left is forgotten.
 */

import type { Random } from '@atoll/kit'
import { isHere, type MemberTable } from './faults/member-table.ts'
import type { SpiralSettings } from './nearest/settings.ts'
import { Spiral } from './nearest/spiral.ts'
import type { Notifications } from './notifications/notifications.ts'
import type { Position } from './positions/position.ts'
import { Positions } from './positions/positions.ts'
import type { PositionSettings } from './positions/settings.ts'
import type { Contact } from './protocol/contact.ts'
import type { Environment } from './protocol/environment.ts'
import type { Protocol } from './protocol/protocol.ts'
import { Chord } from './ring/chord.ts'
import type { RingSettings } from './ring/settings.ts'

export interface SpaceOptions {
  /** Where this site was when it last ran. */
  readonly own?: Position
  readonly positions?: Partial<PositionSettings>
  readonly spiral?: Partial<SpiralSettings>
  readonly ring?: Partial<RingSettings>
}

export interface OverlaySpaceOptions extends SpaceOptions {
  readonly environment: Environment
  readonly self: Contact
  readonly table: MemberTable
  /** Hears of distances that have changed. */
  readonly notifications?: Notifications
}

/** So many living members a site names to its ring in each round: what the ring was measured with. */
const RING_SEEDS = 8

/** A round trip is news when it differs by this share and by this much from the one that was told last. */
const NEWS_SHARE = 0.2
const NEWS_MS_MIN = 2

export class OverlaySpace {
  readonly positions: Positions
  readonly spiral: Spiral
  readonly ring: Chord
  readonly #table: MemberTable
  readonly #random: Random
  /** What subscribers were told of each site. */
  readonly #toldMs = new Map<string, number>()

  constructor(options: OverlaySpaceOptions) {
    const { environment, self, table, own, notifications } = options
    this.#table = table
    this.#random = environment.random
    this.positions = new Positions({
      site: self.site,
      random: environment.random,
      settings: options.positions ?? {},
      ...(own ? { own } : {}),
    })
    this.spiral = new Spiral({
      environment,
      site: self.site,
      positions: this.positions,
      contactOf: (site) => this.#contactOf(site),
      settings: options.spiral ?? {},
    })
    this.ring = new Chord({
      environment,
      self,
      seeds: () => this.#seeds(),
      rttMs: (site) => this.positions.distanceMs(site),
      settings: options.ring ?? {},
    })
    table.onChange(({ site, state, descriptor }) => {
      if (state === 'alive') this.ring.hear(descriptor.contact)
      else if (state !== 'suspect') this.#forget(site)
      if (state !== 'left') return
      this.positions.delete(site)
      this.#toldMs.delete(site)
    })
    if (notifications)
      this.positions.onMeasurement((site, rttMs) => this.#measured(site, rttMs, notifications))
  }

  get protocols(): readonly Protocol[] {
    return [this.spiral, this.ring]
  }

  /** Round trips of one that is away say nothing of it any more, but where it is may be worth knowing. */
  #forget(site: string): void {
    this.spiral.delete(site)
    this.ring.delete(site)
  }

  #contactOf(site: string): Contact | undefined {
    const member = this.#table.find(site)
    return member && isHere(member.state) ? member.descriptor.contact : undefined
  }

  #seeds(): readonly Contact[] {
    return this.#table.sample(RING_SEEDS, this.#random).map(({ descriptor }) => descriptor.contact)
  }

  #measured(site: string, rttMs: number, notifications: Notifications): void {
    const toldMs = this.#toldMs.get(site)
    const gapMs = Math.abs(rttMs - (toldMs ?? Number.POSITIVE_INFINITY))
    if (gapMs < Math.max(NEWS_MS_MIN, NEWS_SHARE * (toldMs ?? 0)) || !this.#table.find(site)) return
    this.#toldMs.set(site, rttMs)
    notifications.publish({ kind: 'distance', site, rttMs })
  }
}
