/** What the owner of a lab and its keeper say to each other over the pipe between them. */

import type { LabMark } from './lab-mark.ts'
import type { WanLinkSettings } from './wan-link.ts'
import type { WanPair, WanPairCounters, WanRelayOptions } from './wan-relay.ts'

export type KeeperOrder =
  | { readonly kind: 'start'; readonly relay: WanRelayOptions; readonly mark: LabMark; readonly seed: string }
  | {
      readonly kind: 'change'
      readonly pairs: readonly WanPair[]
      readonly changes: Partial<WanLinkSettings>
    }
  | { readonly kind: 'counters' }
  /** The owner has removed the lab: end, and touch nothing. */
  | { readonly kind: 'stop' }

export interface KeeperRequest {
  readonly number: number
  readonly order: KeeperOrder
}

export interface KeeperReply {
  readonly number: number
  readonly counters?: readonly WanPairCounters[]
  /** What went wrong; absent when the order was carried out. */
  readonly failure?: string
}
