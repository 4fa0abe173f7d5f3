/** A key/value store on one Redis, with or without replicas: one script looks, one commits, each in one round trip. */

import { assert, type Clock, type Logger, type Random } from '@atoll/kit'
import { StoreUnavailable } from '../../errors.ts'
import type { StoreUrl } from '../../store-url.ts'
import type {
  Commit,
  CommitLimits,
  CommitOutcome,
  KeyValueStore,
  Look,
  Position,
  Sight,
} from '../key-value/key-value-store.ts'
import { CommitWatcher } from './commit-watcher.ts'
import { LogClient } from './log-client.ts'
import { MessageReader } from './message-pack.ts'
import { encodeLook, type Retention, readLogReply, readReads } from './messages.ts'
import { translateRedisError } from './redis-errors.ts'
import { type RedisUrl, readRedisUrl } from './redis-url.ts'
import { Patience, ScriptFailed, type ScriptRunner } from './script-runner.ts'
import { commitScript, guardedLookScript, lookScript } from './scripts/single-scripts.ts'
import { checkServer, patiently } from './server-check.ts'
import { SingleRoute } from './single-route.ts'
import { dataKeys, logKeys } from './store-keys.ts'
import { type StoreSettings, settle } from './store-settings.ts'

export interface RedisOptions {
  readonly url: StoreUrl
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  /** How much of the log is kept for clients that were away. */
  readonly retention?: Retention
  /** How long a request waits for a server that does not answer or has just failed over. */
  readonly patienceMs?: number
}

export const REDIS_LIMITS: CommitLimits = Object.freeze({
  writesMax: 5000,
  readsMax: 10_000,
  bytesMax: 4 * 1024 * 1024,
})

export const REDIS_RETENTION: Retention = Object.freeze({ entriesMax: 4096, bytesMax: 32 * 1024 * 1024 })
export const REDIS_PATIENCE_MS = 3000

/**
 * Opens the store that `url` names, and makes it when there is none.
 * @throws StoreUrlInvalid, StoreMisconfigured, StoreNewer, StoreUnavailable
 */
export async function openRedis(options: RedisOptions): Promise<KeyValueStore> {
  const url = readRedisUrl(options.url)
  assert(!url.isCluster, 'a URL of one Redis')
  const store = new RedisStore(options, url)
  try {
    await store.open()
    return store
  } catch (error) {
    await store.close()
    throw translateRedisError(error instanceof ScriptFailed ? error.cause : error, url.description)
  }
}

class RedisStore implements KeyValueStore {
  readonly description: string
  readonly limits = REDIS_LIMITS
  readonly looksForAbsence = true
  readonly #options: RedisOptions
  readonly #url: RedisUrl
  readonly #route: SingleRoute
  readonly #runner: ScriptRunner
  readonly #watcher: CommitWatcher
  readonly #keys: readonly string[]
  readonly #closing = new AbortController()
  #log: LogClient | undefined
  #settings: StoreSettings = { replicas: 0, shards: 0 }

  constructor(options: RedisOptions, url: RedisUrl) {
    const { clock, random, patienceMs = REDIS_PATIENCE_MS } = options
    this.#options = options
    this.#url = url
    this.description = url.description
    this.#route = new SingleRoute(
      url.endpoints.map((endpoint) => ({ endpoint, access: url.access, clock, random })),
    )
    const patience = new Patience({ clock, random, patienceMs })
    this.#runner = { run: (call) => patience.run(call, this.#route, this.#closing.signal) }
    const { meta, log } = logKeys(url.namespace)
    const { keys, rows } = dataKeys(url.namespace)
    this.#keys = [meta, log, keys, rows]
    this.#watcher = new CommitWatcher({
      clock,
      channel: meta,
      isSharded: false,
      connect: () => this.#route.current.separate(),
    })
  }

  /** @throws ScriptFailed, and what `checkServer` and `settle` throw */
  async open(): Promise<void> {
    const { log, retention = REDIS_RETENTION } = this.#options
    await this.#settle()
    const { replicasConnected } = await patiently(this.#options, () =>
      checkServer(this.#route.current, this.#url),
    )
    const { replicas } = this.#settings
    if (replicasConnected > replicas)
      log.warn(
        { store: this.description, replicas, replicasConnected },
        'commits do not wait for all replicas of the store: a failover to one of them may lose some',
      )
    this.#log = new LogClient({
      runner: this.#runner,
      keys: logKeys(this.#url.namespace),
      replicas,
      retention,
      capacity: null,
      description: this.description,
      log,
      create: () => this.#settle(),
    })
    await this.#log.learnSpaces()
  }

  look(look: Look): Promise<Sight> {
    return this.#while(async (log) => {
      const { replicas } = this.#settings
      const known = look.after === null ? null : log.known(look.after)
      const isReading = look.keys.length + look.ranges.length > 0
      const reply = await this.#runner.run({
        script: replicas > 0 ? guardedLookScript : lookScript,
        keys: isReading ? this.#keys : this.#keys.slice(0, 2),
        args: [encodeLook(look, known, log.prefixes)],
        replicas,
      })
      if (reply instanceof Buffer) return this.#sight(log, look.after, reply)
      await log.recreate()
      return { position: 0, number: 0, entries: null, ...nothing(look) }
    })
  }

  commit(commit: Commit): Promise<CommitOutcome> {
    return this.#while(async (log) => {
      const outcome = await log.commit(commit, { script: commitScript, keys: this.#keys })
      this.#watcher.saw(outcome.position)
      return outcome
    })
  }

  async watch(position: Position, signal: AbortSignal): Promise<void> {
    await this.#watcher.watch(position, signal)
  }

  async close(): Promise<void> {
    this.#closing.abort()
    this.#watcher.close()
    this.#route.close()
  }

  async #sight(log: LogClient, after: Position | null, reply: Buffer): Promise<Sight> {
    const reader = new MessageReader(reply)
    reader.array()
    const logReply = readLogReply(reader)
    const reads = readReads(reader)
    const news = await log.news(after, logReply)
    this.#watcher.saw(news.position)
    return { ...news, ...reads }
  }

  async #settle(): Promise<void> {
    const { random } = this.#options
    this.#settings = await settle({
      runner: this.#runner,
      keys: this.#keys,
      random,
      description: this.description,
      wanted: { replicas: this.#url.replicas ?? 0, shards: 0 },
    })
  }

  async #while<Result>(work: (log: LogClient) => Promise<Result>): Promise<Result> {
    const path = this.description
    if (this.#closing.signal.aborted || !this.#log) throw StoreUnavailable({ path, reason: 'it was closed.' })
    try {
      return await work(this.#log)
    } catch (error) {
      throw translateRedisError(error instanceof ScriptFailed ? error.cause : error, path)
    }
  }
}

/** What an empty store answers. */
function nothing({ keys, ranges }: Look): Pick<Sight, 'values' | 'ranges'> {
  return {
    values: keys.map(() => null),
    ranges: ranges.map(() => ({ keys: [], values: [], isComplete: true })),
  }
}
