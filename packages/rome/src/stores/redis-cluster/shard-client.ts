/** Asks one shard, and brings it after the log. */

import { assert } from '@atoll/kit'
import type { ByteString, Position } from '../key-value/key-value-store.ts'
import { MessageReader, MessageWriter } from '../redis/message-pack.ts'
import { readReads, writeReads } from '../redis/messages.ts'
import type { ScriptRunner } from '../redis/script-runner.ts'
import type { SpacePrefixes } from '../redis/space-prefix.ts'
import type { RecentEntry } from './recent-log.ts'
import { applyScript, shardLookScript } from './scripts/cluster-scripts.ts'
import type { ShardAnswer, ShardRequest } from './shard-reads.ts'
import type { ShardKeys } from './shards.ts'

export interface ShardClientOptions {
  readonly shard: number
  readonly keys: ShardKeys
  readonly runner: ScriptRunner
  readonly prefixes: SpacePrefixes
  readonly replicas: number
}

export interface AppliedState {
  readonly applied: Position
  readonly epoch: ByteString
}

export interface Advance {
  readonly epoch: ByteString
  /** The entries behind this position follow, without a gap. */
  readonly after: Position
  /** At least one. */
  readonly entries: readonly RecentEntry[]
}

export class ShardClient {
  readonly #options: ShardClientOptions
  readonly #keys: readonly string[]

  constructor(options: ShardClientOptions) {
    this.#options = options
    const { applied, keys, rows } = options.keys
    this.#keys = [applied, keys, rows]
  }

  /** @throws ScriptFailed */
  async look({ keys, ranges }: ShardRequest): Promise<ShardAnswer> {
    const { runner, prefixes } = this.#options
    const writer = new MessageWriter()
    writer.array(2)
    writeReads(writer, { keys, ranges }, prefixes)
    const isReading = keys.length + ranges.length > 0
    const reply = await runner.run({
      script: shardLookScript,
      keys: isReading ? this.#keys : this.#keys.slice(0, 1),
      args: [writer.finish()],
      replicas: 0,
    })
    const reader = new MessageReader(asBuffer(reply))
    reader.array()
    const state = { applied: reader.number(), epoch: reader.bytes() }
    return { ...state, ...readReads(reader) }
  }

  /**
   * Brings the shard to the last of the entries, unless it is there already. When it lacks earlier ones, or follows
   * another history, nothing is done. What it answers, the replicas have. @throws ScriptFailed
   */
  async advance({ epoch, after, entries }: Advance): Promise<AppliedState> {
    const { runner, shard, prefixes, replicas } = this.#options
    const last = entries.at(-1)
    assert(last, 'entries to apply')
    const writer = new MessageWriter()
    writer.array(5)
    writer.bytes(epoch)
    writer.number(after)
    writer.number(last.entry.position)
    writer.bytes(last.tag)
    const own = entries.flatMap(({ entry, writesOf }) => {
      const writes = writesOf.get(shard)
      return writes ? [{ position: entry.position, writes }] : []
    })
    writer.array(own.length * 2)
    for (const { position, writes } of own) {
      writer.number(position)
      writer.array(writes.length * 2)
      for (const write of writes) {
        writer.bytes(prefixes.member(write))
        if (write.value === null) writer.none()
        else writer.bytes(write.value)
      }
    }
    const reply = await runner.run({
      script: applyScript,
      keys: this.#keys,
      args: [writer.finish()],
      replicas,
    })
    const reader = new MessageReader(asBuffer(reply))
    reader.array()
    return { applied: reader.number(), epoch: reader.bytes() }
  }
}

function asBuffer(reply: unknown): Buffer {
  assert(reply instanceof Buffer, 'a message of a script')
  return reply
}
