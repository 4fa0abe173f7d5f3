/**
 * What operators read from and write to: everything is at hand, or it is `Missing`. Input and output stay outside:
 * whoever runs a plan catches `Missing`, brings all of it in one round trip, and runs the plan again from its start.
 * So operators are plain synchronous generators, and a point read costs no promise.
 */

import type {
  ByteString,
  KeyRange,
  RangeRequest,
  Space,
  SpaceKey,
  Write,
} from '../stores/key-value/key-value-store.ts'

/** A stored value, decoded at most once however often it is read. Rows are frozen: whoever hands one out copies it. */
export interface Cell {
  readonly bytes: ByteString
  /** Kept here by the codec of rows, which alone knows what it is; undefined until somebody has asked. */
  row: unknown
}

export interface RangeView {
  /** In the order asked for, at most `limit`. */
  readonly keys: readonly ByteString[]
  /** The cells of `keys`; of an index asked with `rowsOf`, those of the rows that they stand for. */
  readonly cells: readonly Cell[]
  /** Whether the range has no more than these. */
  readonly isComplete: boolean
}

/** The state at one position, as far as it is known. What is read here becomes part of the transaction's read set. */
export interface Snapshot {
  /** In the order of `keys`, which are of one space; undefined where there is no such row. @throws Missing for all that are unknown */
  cells(space: Space, keys: readonly ByteString[]): readonly (Cell | undefined)[]
  /** @throws Missing */
  range(request: RangeRequest): RangeView
  /** As many `range`s, so that what is missing of any is brought together. @throws Missing */
  ranges(requests: readonly RangeRequest[]): readonly RangeView[]
}

/** A snapshot and what a transaction writes over it; it reads its own writes. */
export interface Workspace extends Snapshot {
  /** Replaces an earlier write of the same key. Holes are set by whoever encodes provisional numbers. */
  write(write: Write): void
}

/** Not an error: the answer "bring me this first". Always caught by whoever runs a plan. */
export class Missing extends Error {
  override readonly name = 'Missing'
  readonly keys: readonly SpaceKey[]
  readonly ranges: readonly RangeRequest[]

  constructor({ keys = [], ranges = [] }: { keys?: readonly SpaceKey[]; ranges?: readonly RangeRequest[] }) {
    // Made for every insert of a new key: to note where it was made would take longer than all the rest of the insert.
    const { stackTraceLimit } = Error
    Error.stackTraceLimit = 0
    super('what a plan needs is not at hand yet')
    Error.stackTraceLimit = stackTraceLimit
    this.keys = keys
    this.ranges = ranges
  }
}

export type { ByteString, KeyRange, RangeRequest, Space, SpaceKey }
