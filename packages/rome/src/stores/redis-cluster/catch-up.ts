/**
 * Brings the shards after the log, now and then, in the background. Nobody has to: what a shard lacks is overlaid by whoever
 * looks, and whoever comes by next can go on. So it holds no lock, a client may die in the midst of it, and two that do it at
 * the same time only do it twice. The log is cut below what all shards have durably.
 */

import { type CancelTimer, type Clock, fraction, type Logger, type Random } from '@atoll/kit'
import type { Position } from '../key-value/key-value-store.ts'
import type { ClusterLog } from './cluster-log.ts'
import type { ShardClient } from './shard-client.ts'

export interface CatchUpOptions {
  readonly log: ClusterLog
  readonly shards: readonly ShardClient[]
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  /**
   * Whoever makes each so-manieth commit brings the shards on: one message to each for so many commits. With 0 each commit
   * waits until all shards have it.
   */
  readonly batch: number
}

export const CATCH_UP_BATCH = 32
/** So many batches behind, and everybody does, and commits wait for it. */
const BATCHES_MAX = 4
/** After so long without a commit, whoever made or saw the latest brings the shards on to it. */
const IDLE_MS = 500
const ENTRIES_MAX = 256
const BYTES_MAX = 4 * 1024 * 1024

export class CatchUp {
  readonly #options: CatchUpOptions
  /** By shard: what it is known to have. */
  readonly #applied: Position[]
  /** By shard: what its replicas are known to have, too. */
  readonly #durable: Position[]
  #running: Promise<void> | undefined
  /** A shard that cannot follow holds nobody up; the log is bounded by itself. */
  #hasFailed = false
  #cancelTimer: CancelTimer | undefined
  #isClosed = false

  constructor(options: CatchUpOptions) {
    this.#options = options
    this.#applied = options.shards.map(() => 0)
    this.#durable = options.shards.map(() => 0)
  }

  /** Hears what a shard has applied. */
  saw(shard: number, applied: Position): void {
    this.#applied[shard] = applied
  }

  /** A commit of this client is at `position`. Resolves at once, or when the shards are not too far behind any more. */
  async committed(position: Position): Promise<void> {
    const { batch } = this.#options
    if (position % batch === 0) void this.run()
    if (position - this.#least > batch * BATCHES_MAX && !this.#hasFailed) await this.run()
    this.#later()
  }

  /** The log was seen at `position`. */
  looked(position: Position): void {
    if (position > this.#least) this.#later()
  }

  /** Resolves when all shards are where the log was at this moment, or when one cannot be brought there. */
  run(): Promise<void> {
    this.#running ??= this.#bringOn()
      .then(() => {
        this.#hasFailed = false
      })
      .catch((error: unknown) => {
        this.#hasFailed = true
        this.#options.logger.debug(
          { err: error },
          'a shard of the store could not be brought on; tried again later',
        )
      })
      .finally(() => {
        this.#running = undefined
      })
    return this.#running
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#cancelTimer?.()
    await this.#running
  }

  get #least(): Position {
    return Math.min(...this.#applied)
  }

  #later(): void {
    if (this.#isClosed || this.#cancelTimer) return
    const { clock, random, log } = this.#options
    const seen = log.recent.position
    const delayMs = IDLE_MS * (1 + fraction(random))
    this.#cancelTimer = clock.after(delayMs, () => {
      this.#cancelTimer = undefined
      if (log.recent.position > seen) this.#later()
      else if (this.#least < seen) void this.run()
    })
  }

  async #bringOn(): Promise<void> {
    const { log, shards } = this.#options
    const target = log.recent.position
    await Promise.all(shards.map((client, shard) => this.#bringShard(client, shard, target)))
    await log.trim(Math.min(...this.#durable))
  }

  async #bringShard(client: ShardClient, shard: number, target: Position): Promise<void> {
    const { log } = this.#options
    // Others may have brought it on, or a failover back.
    const state = await client.look({ keys: [], ranges: [] })
    let applied = state.applied
    while (!this.#isClosed) {
      if (applied < log.recent.floor && !(await log.older(applied))) return
      // The latest once more, when others have brought it: the answer to it tells that the replicas have it.
      const after = applied < target || this.#durable[shard] === applied ? applied : applied - 1
      const entries = bounded(log.recent.between(after, Math.max(target, applied)))
      if (entries.length === 0) break
      const { epoch } = log
      const next = await client.advance({ epoch, after, entries })
      if (next.epoch !== epoch || next.applied < applied) return
      applied = next.applied
      this.#durable[shard] = applied
    }
    this.#applied[shard] = applied
  }
}

/** The first of the entries, as many as one message should have. */
function bounded<Entry extends { readonly bytes: number }>(entries: readonly Entry[]): readonly Entry[] {
  let bytes = 0
  let count = 0
  for (const entry of entries) {
    if (count >= ENTRIES_MAX || (count > 0 && bytes + entry.bytes > BYTES_MAX)) break
    bytes += entry.bytes
    count++
  }
  return entries.slice(0, count)
}
