/** One look, divided among the shards, and put together again as of one position. */

import { assert } from '@atoll/kit'
import type {
  ByteString,
  Look,
  Position,
  RangeRequest,
  RangeResult,
  SpaceKey,
} from '../key-value/key-value-store.ts'
import { rowOf } from '../key-value/row-of.ts'
import { mergeRanges, overlayRange, overlayValue, type ShardItem, type ShardRange } from './overlay.ts'
import type { Pending, RecentLog } from './recent-log.ts'
import { shardOf } from './shards.ts'

export interface ShardRequest {
  readonly keys: readonly SpaceKey[]
  readonly ranges: readonly RangeRequest[]
}

export interface ShardAnswer {
  readonly applied: Position
  /** Of the history that it has applied; empty before the first. */
  readonly epoch: ByteString
  readonly values: readonly (ByteString | null)[]
  readonly ranges: readonly RangeResult[]
}

export interface Answers {
  readonly values: readonly (ByteString | null)[]
  readonly ranges: readonly RangeResult[]
}

/** Up to so many keys, each shard is asked for all that are asked for; it may have them all. */
const WHOLE_LIMIT = 16

interface Part {
  readonly applied: Position
  readonly value: ByteString | null
}

interface Asked {
  readonly keys: SpaceKey[]
  /** By their place among all ranges. */
  readonly ranges: number[]
}

/** What a shard that has applied so much lacks. */
type PendingOf = (shard: number, applied: Position) => Pending

interface RangePart {
  readonly applied: Position
  readonly request: RangeRequest
  readonly result: RangeResult
}

export class ShardReads {
  readonly #look: ShardRequest
  readonly #shards: number
  /** By shard. */
  readonly #asked = new Map<number, Asked>()
  #handedOut: ReadonlyMap<number, Asked> = new Map()
  /** Per range and shard, how many keys are asked for. */
  readonly #limits: number[][]
  readonly #values = new Map<string, Part>()
  readonly #epochs = new Map<number, ByteString>()
  readonly #ranges: (RangePart | undefined)[][]

  constructor(look: Pick<Look, 'keys' | 'ranges'>, shards: number) {
    this.#look = look
    this.#shards = shards
    this.#ranges = look.ranges.map(() => [])
    this.#limits = look.ranges.map(({ limit }) => {
      const share = limit <= WHOLE_LIMIT ? limit : Math.ceil((limit / shards) * 1.5) + WHOLE_LIMIT / 2
      return Array.from({ length: shards }, () => Math.max(1, Math.min(limit, share)))
    })
    for (const key of look.keys) this.#askKey(key)
    for (const index of look.ranges.keys())
      for (let shard = 0; shard < shards; shard++) this.#askRange(index, shard)
  }

  /** What is to be asked of which shard now; each is handed out once. */
  take(): readonly (readonly [shard: number, request: ShardRequest])[] {
    const requests = [...this.#asked].map(([shard, { keys, ranges }]) => {
      const requested = ranges.map((index) => this.#requestOf(index, shard))
      return [shard, { keys, ranges: requested }] as const
    })
    this.#handedOut = new Map(this.#asked)
    this.#asked.clear()
    return requests
  }

  /** The answer of a shard to what `take` gave for it. */
  answered(shard: number, { applied, epoch, values, ranges }: ShardAnswer): void {
    this.#epochs.set(shard, epoch)
    const asked = this.#handedOut.get(shard)
    assert(asked, 'an answer to what was asked')
    for (const [at, key] of asked.keys.entries())
      this.#values.set(nameOf(key), { applied, value: values[at] ?? null })
    for (const [at, index] of asked.ranges.entries()) {
      const result = ranges[at]
      const parts = this.#ranges[index]
      if (result && parts) parts[shard] = { applied, request: this.#requestOf(index, shard), result }
    }
  }

  /** The positions of the answers that are furthest behind and furthest ahead; undefined when nothing was asked. */
  get span(): { readonly least: Position; readonly most: Position } | undefined {
    const all = [
      ...[...this.#values.values()].map(({ applied }) => applied),
      ...this.#ranges.flatMap((parts) => parts.flatMap((part) => (part ? [part.applied] : []))),
    ]
    return all.length === 0
      ? undefined
      : { least: all.reduce((a, b) => Math.min(a, b)), most: all.reduce((a, b) => Math.max(a, b)) }
  }

  /** Whether all shards have applied this history, or none yet. */
  areOf(epoch: ByteString): boolean {
    return [...this.#epochs.values()].every((each) => each === '' || each === epoch)
  }

  /** Everything as of `position`, which is in reach of `recent`; undefined when `take` has more to ask first. */
  answers(position: Position, recent: RecentLog): Answers | undefined {
    const known = new Map<string, Pending>()
    const pendingOf: PendingOf = (shard, applied) => {
      const name = `${shard} ${applied}`
      const pending = known.get(name) ?? recent.pending(shard, applied, position)
      known.set(name, pending)
      return pending
    }
    const values = this.#look.keys.map((key) => this.#valueOf(key, pendingOf) ?? null)
    const ranges = this.#look.ranges.map((request, index) => this.#rangeOf(request, index, pendingOf))
    if (this.#asked.size > 0) return undefined
    return { values, ranges: ranges.flatMap((range) => range ?? []) }
  }

  /** Asks everything anew. */
  again(): void {
    for (const key of this.#look.keys) this.#askKey(key)
    for (const [index, parts] of this.#ranges.entries())
      for (const shard of parts.keys()) this.#askRange(index, shard)
  }

  #rangeOf(request: RangeRequest, index: number, pendingOf: PendingOf): RangeResult | undefined {
    const parts = (this.#ranges[index] ?? []).map((part, shard): ShardRange => {
      assert(part, 'an answer of every shard')
      return overlayRange(part.request, part.result, pendingOf(shard, part.applied))
    })
    const merged = mergeRanges(request, parts)
    if (!merged) {
      for (const [shard, { sureTo }] of parts.entries()) if (sureTo !== null) this.#askMore(index, shard)
      return undefined
    }
    const values = merged.items.map((item) => this.#rowOf(request, item, pendingOf))
    return { keys: merged.items.map(({ key }) => key), values, isComplete: merged.isComplete }
  }

  #rowOf({ rowsOf }: RangeRequest, { key, value }: ShardItem, pendingOf: PendingOf): ByteString {
    if (value !== undefined || rowsOf === null) return value ?? ''
    return this.#valueOf(rowOf(rowsOf, key), pendingOf) ?? ''
  }

  /** Asks for it when that was not done yet. */
  #valueOf(key: SpaceKey, pendingOf: PendingOf): ByteString | null | undefined {
    const part = this.#values.get(nameOf(key))
    if (!part) {
      this.#askKey(key)
      return undefined
    }
    return overlayValue(key, part.value, pendingOf(shardOf(key, this.#shards), part.applied))
  }

  #askKey(key: SpaceKey): void {
    this.#of(shardOf(key, this.#shards)).keys.push(key)
  }

  #askRange(index: number, shard: number): void {
    this.#of(shard).ranges.push(index)
  }

  #askMore(index: number, shard: number): void {
    const limits = this.#limits[index]
    if (limits) limits[shard] = (limits[shard] ?? 1) * 2
    this.#askRange(index, shard)
  }

  #of(shard: number): Asked {
    const known = this.#asked.get(shard)
    if (known) return known
    const fresh = { keys: [], ranges: [] }
    this.#asked.set(shard, fresh)
    return fresh
  }

  #requestOf(index: number, shard: number): RangeRequest {
    const request = this.#look.ranges[index]
    assert(request, 'a range that was asked for')
    return { ...request, limit: this.#limits[index]?.[shard] ?? request.limit }
  }
}

function nameOf({ space, key }: SpaceKey): string {
  return `${space}\0${key}`
}
