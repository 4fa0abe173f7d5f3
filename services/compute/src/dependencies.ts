/** What the compute service is given: its state, its neighbours, and the world. */

import type { Clock, Random } from '@atoll/kit'
import type { Row } from '@atoll/rome'
import type { AnyRecord, State, StateTransaction } from '@atoll/state'
import type { ImagesForCompute } from './images-for-compute.ts'
import type { NetworkForCompute } from './network-for-compute.ts'
import type { servers } from './records.ts'

export interface ComputeDependencies {
  readonly state: State
  readonly network: NetworkForCompute
  readonly images: ImagesForCompute
  readonly clock: Clock
  readonly random: Random
  readonly freshness: Freshness
  /** True for a record that this peer may write: hosts for which it holds are those that get new servers here. */
  readonly isHere: (record: AnyRecord) => boolean
  /** False for a host of this site on which nothing happens for now, since no live process serves it. Default: never. */
  readonly isServed?: (hostName: string) => boolean
  /** True when the record is kept here, or would be: decides who founds a project's quota. */
  readonly isKept: IsKept
  /** The last `lines` lines of the guest's console, or all that is kept when undefined; runs where the guest runs. */
  readonly consoleOutput: (server: Row<typeof servers>, lines: number | undefined) => Promise<string>
}

export interface Freshness {
  /** False while the home of the record cannot be reached, so that what we have of it may be old. */
  isReachable(record: AnyRecord): boolean
}

export type IsKept = (transaction: StateTransaction, table: string, id: string) => Promise<boolean>
