/** The WAN of a lab as a test controls it. */

import { LabHostUnknown } from '../errors.ts'
import type { Keeper } from './keeper.ts'
import type { WanLinkSettings } from './wan-link.ts'
import type { WanPair, WanPairCounters } from './wan-relay.ts'

export interface DirectionOptions {
  /** `both` (default), or `forward`: only what the first host sends to the second. */
  readonly direction?: 'both' | 'forward'
}

/** Each change holds for every frame that enters the WAN after its promise has resolved. */
export interface Wan {
  /** One way; the round trip takes twice as long. */
  setDelay(a: string, b: string, delayMs: number, options?: DirectionOptions): Promise<void>
  /** `lossRatio` in [0, 1]. */
  setLoss(a: string, b: string, lossRatio: number, options?: DirectionOptions): Promise<void>
  /** Cuts `a` from `b`, or from every other host. Frames on their way are lost, too. */
  cut(a: string, b?: string, options?: DirectionOptions): Promise<void>
  /** Undoes cuts: of one pair, of one host, or all. */
  heal(a?: string, b?: string, options?: DirectionOptions): Promise<void>
  /** One row for each ordered pair of hosts. */
  stats(): Promise<readonly WanPairCounters[]>
}

export function wanOf(hosts: readonly string[], keeper: Keeper): Wan {
  const change = async (pairs: readonly WanPair[], changes: Partial<WanLinkSettings>) => {
    await keeper.order({ kind: 'change', pairs, changes })
  }
  const select = (a: string | undefined, b: string | undefined, options: DirectionOptions = {}) => {
    for (const name of [a, b]) {
      if (name !== undefined && !hosts.includes(name)) throw LabHostUnknown({ name })
    }
    return wanPairs(hosts).filter(
      ({ from, to }) =>
        ((a ?? from) === from && (b ?? to) === to) ||
        (options.direction !== 'forward' && (a ?? to) === to && (b ?? from) === from),
    )
  }
  return {
    setDelay: async (a, b, delayMs, options) => change(select(a, b, options), { delayMs }),
    setLoss: async (a, b, lossRatio, options) => change(select(a, b, options), { lossRatio }),
    cut: async (a, b, options) => change(select(a, b, options), { isCut: true }),
    heal: async (a, b, options) => change(select(a, b, options), { isCut: false }),
    stats: async () => (await keeper.order({ kind: 'counters' })).counters ?? [],
  }
}

/** Every ordered pair of different hosts. */
function wanPairs(hosts: readonly string[]): readonly WanPair[] {
  return hosts.flatMap((from) => hosts.filter((to) => to !== from).map((to) => ({ from, to })))
}
