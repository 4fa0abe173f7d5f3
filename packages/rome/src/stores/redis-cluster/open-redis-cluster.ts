/**
 * A key/value store on a Redis Cluster. The log lies in one slot and decides; the spaces lie in shards, which follow it. A look
 * asks the log and the shards at the same time, and lays over the answers of these what they have not applied yet.
 */

import { assert, sleep } from '@atoll/kit'
import { StoreMisconfigured, StoreUnavailable } from '../../errors.ts'
import type {
  Commit,
  CommitOutcome,
  KeyValueStore,
  Look,
  Position,
  Sight,
} from '../key-value/key-value-store.ts'
import { CommitWatcher } from '../redis/commit-watcher.ts'
import type { Retention } from '../redis/messages.ts'
import { REDIS_LIMITS, REDIS_RETENTION, type RedisOptions } from '../redis/open-redis.ts'
import { translateRedisError } from '../redis/redis-errors.ts'
import { type RedisUrl, readRedisUrl } from '../redis/redis-url.ts'
import { Patience, ScriptFailed, type ScriptRunner } from '../redis/script-runner.ts'
import { checkServer, patiently } from '../redis/server-check.ts'
import { logKeys } from '../redis/store-keys.ts'
import { CATCH_UP_BATCH, CatchUp } from './catch-up.ts'
import { ClusterLog, type Head } from './cluster-log.ts'
import { ClusterNodes } from './cluster-nodes.ts'
import { slotOf } from './hash-slot.ts'
import { ShardClient } from './shard-client.ts'
import { ShardReads } from './shard-reads.ts'
import { shardKeys } from './shards.ts'

export interface RedisClusterOptions extends RedisOptions {
  /** How long the log may get while a shard cannot follow; then nothing is committed until it can. */
  readonly capacity?: Retention
  /** See `CatchUpOptions`. */
  readonly catchUpBatch?: number
  /** For tests: stands between this client and the cluster. */
  readonly wrapRunner?: (runner: ScriptRunner) => ScriptRunner
}

export const CLUSTER_PATIENCE_MS = 5000
const CAPACITY: Retention = Object.freeze({ entriesMax: 65_536, bytesMax: 256 * 1024 * 1024 })
/** How often one look may ask again, since a shard was ahead of the log's answer or had too few keys for a range. */
const ROUNDS_MAX = 16
/** From this round on it waits before: a node that has slept shows an old log until it hears of the others. */
const ROUNDS_AT_ONCE = 8
const PAUSE_MS = 25

/** The log, or a shard, was deleted or restored without the others. */
const PARTS_OF_OTHERS =
  'its nodes hold parts of different stores. Restore all of them from the same time, or delete all keys of the namespace.'

/**
 * Opens the store that `url` names, and makes it when there is none.
 * @throws StoreUrlInvalid, StoreMisconfigured, StoreNewer, StoreUnavailable
 */
export async function openRedisCluster(options: RedisClusterOptions): Promise<KeyValueStore> {
  const url = readRedisUrl(options.url)
  assert(url.isCluster, 'a URL of a cluster')
  const store = new RedisClusterStore(options, url)
  try {
    await store.open()
    return store
  } catch (error) {
    await store.close()
    throw translateRedisError(error instanceof ScriptFailed ? error.cause : error, url.description)
  }
}

interface Opened {
  readonly log: ClusterLog
  readonly shards: readonly ShardClient[]
  readonly catchUp: CatchUp
}

class RedisClusterStore implements KeyValueStore {
  readonly description: string
  readonly limits = REDIS_LIMITS
  readonly #options: RedisClusterOptions
  readonly #url: RedisUrl
  readonly #nodes: ClusterNodes
  readonly #runner: ScriptRunner
  readonly #watcher: CommitWatcher
  readonly #closing = new AbortController()
  #opened: Opened | undefined

  constructor(options: RedisClusterOptions, url: RedisUrl) {
    const { clock, random, wrapRunner = (runner) => runner } = options
    this.#options = options
    this.#url = url
    this.description = url.description
    this.#nodes = new ClusterNodes({ seeds: url.endpoints, access: url.access, clock, random })
    this.#runner = wrapRunner(this.#slotRunner())
    const { meta } = logKeys(url.namespace)
    const connect = async () => (await this.#nodes.nodeOf(slotOf(meta))).separate()
    this.#watcher = new CommitWatcher({ clock, channel: meta, isSharded: true, connect })
  }

  /** @throws ScriptFailed, ConnectionFailed, ErrorReply, AtollError */
  async open(): Promise<void> {
    const { clock, random, log: logger, retention = REDIS_RETENTION, capacity = CAPACITY } = this.#options
    const { catchUpBatch: batch = CATCH_UP_BATCH } = this.#options
    const { description, namespace } = { description: this.description, namespace: this.#url.namespace }
    const [primaries, facts] = await patiently(this.#options, async () => {
      const connections = await this.#nodes.primaries()
      return [
        connections,
        await Promise.all(connections.map((each) => checkServer(each, this.#url))),
      ] as const
    })
    const replicasLeast = Math.min(...facts.map(({ replicasConnected }) => replicasConnected))
    const { replicas = Math.min(1, replicasLeast), shards: shardsWanted = primaries.length } = this.#url
    const log = await ClusterLog.open({
      runner: this.#runner,
      namespace,
      random,
      log: logger,
      description,
      retention,
      capacity,
      wanted: { replicas, shards: shardsWanted },
    })
    const shards = shardKeys(namespace, log.settings.shards).map(
      (keys, shard) =>
        new ShardClient({
          shard,
          keys,
          runner: this.#runner,
          prefixes: log.prefixes,
          replicas: log.settings.replicas,
        }),
    )
    const catchUp = new CatchUp({ log, shards, clock, random, logger, batch })
    this.#opened = { log, shards, catchUp }
  }

  look(look: Look): Promise<Sight> {
    return this.#while(async (opened) => {
      const { log, catchUp } = opened
      const { after } = look
      const isNearer = after !== null && (after < log.recent.floor || after > log.recent.position)
      const reads = new ShardReads(look, opened.shards.length)
      const [head] = await Promise.all([log.news(isNearer ? after : log.recent.position), ask(opened, reads)])
      const isContinued = head.isContinued
      const { head: last, answers } = await this.#bringTogether(opened, reads, head)
      catchUp.looked(last.position)
      this.#watcher.saw(last.position)
      const entries = after === null ? [] : isContinued ? log.entriesSince(after, last.position) : null
      return { position: last.position, number: last.number, entries, ...answers }
    })
  }

  commit(commit: Commit): Promise<CommitOutcome> {
    return this.#while(async ({ log, catchUp }) => {
      const outcome = await log.commit(commit)
      this.#watcher.saw(outcome.position)
      if (outcome.kind === 'committed') await catchUp.committed(outcome.at)
      return outcome
    })
  }

  async watch(position: Position, signal: AbortSignal): Promise<void> {
    await this.#watcher.watch(position, signal)
  }

  async close(): Promise<void> {
    this.#closing.abort()
    this.#watcher.close()
    this.#nodes.close()
    await this.#opened?.catchUp.close()
  }

  /** Asks until all answers can be shown as of one position. */
  async #bringTogether(opened: Opened, reads: ShardReads, first: Head) {
    const { log } = opened
    let head = first
    for (let round = 0; round < ROUNDS_MAX; round++) {
      const { least, most } = reads.span ?? { least: head.position, most: head.position }
      if (round >= ROUNDS_AT_ONCE) await sleep(this.#options.clock, PAUSE_MS * round, this.#closing.signal)
      if (most > head.position || !reads.areOf(head.epoch)) {
        head = await log.news(head.position)
        if (reads.areOf(head.epoch)) continue
        reads.again()
        await ask(opened, reads)
        continue
      }
      if (least < log.recent.floor && !(await log.older(least))) {
        // The shard may have been brought on, and the log cut, in the meantime.
        reads.again()
        await ask(opened, reads)
        continue
      }
      const answers = reads.answers(head.position, log.recent)
      if (answers) return { head, answers }
      await ask(opened, reads)
    }
    const path = this.description
    if (!reads.areOf(head.epoch)) throw StoreMisconfigured({ path, advice: PARTS_OF_OTHERS })
    throw StoreUnavailable({
      path,
      reason: 'one of its nodes has lost what it had acknowledged, or shows old data.',
    })
  }

  #slotRunner(): ScriptRunner {
    const { clock, random, patienceMs = CLUSTER_PATIENCE_MS } = this.#options
    const patience = new Map<number, Patience>()
    return {
      run: (call) => {
        const slot = slotOf(call.keys[0] ?? '')
        const known = patience.get(slot) ?? new Patience({ clock, random, patienceMs })
        patience.set(slot, known)
        return known.run(call, this.#nodes.route(slot), this.#closing.signal)
      },
    }
  }

  async #while<Result>(work: (opened: Opened) => Promise<Result>): Promise<Result> {
    const path = this.description
    if (this.#closing.signal.aborted || !this.#opened)
      throw StoreUnavailable({ path, reason: 'it was closed.' })
    try {
      return await work(this.#opened)
    } catch (error) {
      throw translateRedisError(error instanceof ScriptFailed ? error.cause : error, path)
    }
  }
}

/** Asks each shard what `reads` wants of it. @throws ScriptFailed */
async function ask({ shards, catchUp }: Opened, reads: ShardReads): Promise<void> {
  await Promise.all(
    reads.take().map(async ([shard, request]) => {
      const client = shards[shard]
      assert(client, 'a shard of the store')
      const answer = await client.look(request)
      catchUp.saw(shard, answer.applied)
      reads.answered(shard, answer)
    }),
  )
}
