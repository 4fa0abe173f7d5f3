/**
 * What ROME asks of a store: spaces of ordered keys, and a log of commits that alone decides what has happened.
 *
 * The log is the truth: a commit is one entry, appended at one point, and validated there against the entries that came
 * since the transaction's snapshot (backward validation; Kung and Robinson, TODS 6(2), 1981, section 3). The spaces are
 * what the entries add up to. Whether a store writes both at once (a script of one Redis, a transaction of etcd) or
 * brings the spaces after the log (a Redis Cluster, whose log lies in one slot) is its own affair, as long as `look`
 * answers with the state at exactly one position of the log.
 */

/** Bytes as a string of one UTF-16 unit (0 to 255) each: `<` compares as memcmp does, and a `Map` can be keyed by it. */
export type ByteString = string

/** How many commits there have been: the n-th entry of the log leads to position n. */
export type Position = number

/**
 * An ordered map of its own, named after what it holds: the rows of a table (`servers`), keyed by their encoded primary
 * key; or an index (`servers(home,seq)`), of which each key ends with the key of the row that it stands for and the length of that
 * in two bytes, big-endian, and each value is empty.
 */
export type Space = string

export interface SpaceKey {
  readonly space: Space
  readonly key: ByteString
}

/** All keys of a space in `[from, to)`. */
export interface KeyRange {
  readonly space: Space
  readonly from: ByteString
  readonly to: ByteString
}

export interface RangeRequest extends KeyRange {
  /** How many keys at most, counted from the end where it begins. */
  readonly limit: number
  readonly isReversed: boolean
  /** For an index: the space of its rows, which then come with their keys. */
  readonly rowsOf: Space | null
}

/**
 * Where the number of a commit goes when it is known: `number` counts the numbers of one commit from 0. In a key it is
 * eight bytes, as `encodeNumber` of the keyspace writes a positive number; in a value sixteen characters, decimal, padded
 * with blanks in front.
 */
export interface Hole {
  readonly in: 'key' | 'value'
  readonly offset: number
  readonly number: number
}

/** A value of null deletes. */
export interface Write extends SpaceKey {
  readonly value: ByteString | null
  readonly holes: readonly Hole[]
}

/** What others need to know of a commit beside its writes: which records it changed, in words of the layer above. */
export interface Change {
  readonly table: string
  readonly id: string
}

/** What a transaction has seen; a commit of someone else that touches any of it is a conflict. */
export interface ReadSet {
  readonly keys: readonly SpaceKey[]
  readonly ranges: readonly KeyRange[]
}

export interface Commit {
  /** Unique among all commits: asked again after a lost answer, the store does nothing twice. */
  readonly id: string
  /** The position at which all of `reads` held. */
  readonly after: Position
  readonly reads: ReadSet
  /**
   * What must not be there when this is committed, though nobody has looked: otherwise it is a conflict. All of it is also
   * among `reads`. Only for stores that say `looksForAbsence`; without it, there is nothing.
   */
  readonly absent?: ReadSet
  /** At most one for each key. */
  readonly writes: readonly Write[]
  /** How many numbers `writes` use. */
  readonly numbers: number
  readonly changes: readonly Change[]
}

/** A commit as everybody hears of it, its holes filled. */
export interface LogEntry {
  readonly position: Position
  readonly id: string
  /** The first of the numbers of this commit. */
  readonly firstNumber: number
  readonly writes: readonly Omit<Write, 'holes'>[]
  readonly changes: readonly Change[]
}

/** What is new since a position. */
export interface News {
  /** The latest commit. */
  readonly position: Position
  /** The latest number that a commit was given; 0 before the first. */
  readonly number: number
  /**
   * The commits since `after`, in order; none when `after` is null. Null when the store has forgotten some of them, or
   * never had as many: forget what you know.
   */
  readonly entries: readonly LogEntry[] | null
}

export interface Look {
  /** What the caller knows already; null when it knows nothing. */
  readonly after: Position | null
  readonly keys: readonly SpaceKey[]
  readonly ranges: readonly RangeRequest[]
}

export interface RangeResult {
  /** In the order asked for. */
  readonly keys: readonly ByteString[]
  /** The values of `keys`; with `rowsOf`, those of their rows. */
  readonly values: readonly ByteString[]
  /** Whether the range has no more than these. */
  readonly isComplete: boolean
}

export interface Sight extends News {
  /** In the order of `Look.keys`: the value at `position`, or null when there is none. */
  readonly values: readonly (ByteString | null)[]
  /** In the order of `Look.ranges`, as of `position`. */
  readonly ranges: readonly RangeResult[]
}

/*
 * A commit whose answer was lost is asked again with the same id, while the first asking may still be on its way. That is
 * safe because refusals are final: what touched its reads, or moved the log on, since `after` will always have done so.
 */
export type CommitOutcome =
  /** `entries` holds this commit itself, at its end unless it was asked again. Durable, as far as the store can promise. */
  | ({ readonly kind: 'committed'; readonly at: Position; readonly firstNumber: number } & News)
  /**
   * Another commit since `after` touched what was read, or may have: the store has forgotten it, and `entries` is null.
   * Nothing was written by this asking.
   */
  | ({ readonly kind: 'conflict' } & News)
  /** Others have committed since, and this store leaves it to the caller to look for conflicts. Nothing was written. */
  | ({ readonly kind: 'moved' } & News)

/** How much one commit may be; a group of transactions is closed before it is reached. */
export interface CommitLimits {
  readonly writesMax: number
  /** Keys and ranges together. */
  readonly readsMax: number
  /** Of the keys and values of `writes`. */
  readonly bytesMax: number
}

export interface KeyValueStore {
  /** For people: the kind of store and where it is, without a password. */
  readonly description: string
  readonly limits: CommitLimits
  /** Whether `commit` looks at `Commit.absent`, which saves the look before each insert. */
  readonly looksForAbsence?: boolean
  /**
   * Answers with what is new and what was asked for, all as of one position, in one round trip where the store can.
   * What it shows is durable. @throws StoreUnavailable
   */
  look(look: Look): Promise<Sight>
  /**
   * Appends one entry to the log, or nothing.
   * @throws StoreUnavailable, StoreFull when nothing was written
   * @throws OutcomeUnknown when it may have been; asking again with the same `id` tells
   */
  commit(commit: Commit): Promise<CommitOutcome>
  /** Resolves when there may be commits after `position`, or when `signal` aborts. May resolve too early, never too late by more than a second. */
  watch(position: Position, signal: AbortSignal): Promise<void>
  /** Releases connections. Safe to call twice. */
  close(): Promise<void>
}
