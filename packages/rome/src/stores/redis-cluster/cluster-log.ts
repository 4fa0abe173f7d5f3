/** The log of a cluster, as one client follows it: what it tells is kept in `recent`, to be laid over what shards lack. */

import type { Logger, Random } from '@atoll/kit'
import type { ByteString, Commit, CommitOutcome, LogEntry, Position } from '../key-value/key-value-store.ts'
import { LogClient } from '../redis/log-client.ts'
import { MessageReader } from '../redis/message-pack.ts'
import { encodeKnown, type Retention, readLogReply } from '../redis/messages.ts'
import type { ScriptRunner } from '../redis/script-runner.ts'
import { type LogKeys, logKeys } from '../redis/store-keys.ts'
import { type SettledStore, type StoreSettings, settle } from '../redis/store-settings.ts'
import { RecentLog } from './recent-log.ts'
import { guardedNewsScript, logCommitScript, newsScript, trimScript } from './scripts/cluster-scripts.ts'

export interface ClusterLogOptions {
  readonly runner: ScriptRunner
  readonly namespace: string
  readonly random: Random
  readonly log: Logger
  readonly description: string
  readonly retention: Retention
  readonly capacity: Retention
  readonly wanted: StoreSettings
}

/** Where the log is. */
export interface Head {
  readonly position: Position
  readonly number: number
  readonly epoch: ByteString
  /** Whether the entries since the position asked for are in `recent`; not when the log has forgotten them or was rewound. */
  readonly isContinued: boolean
}

export class ClusterLog {
  readonly settings: StoreSettings
  readonly recent: RecentLog
  readonly #options: ClusterLogOptions
  readonly #keys: LogKeys
  readonly #client: LogClient
  #epoch: ByteString = ''

  /** @throws ScriptFailed, and what `settle` throws */
  static async open(options: ClusterLogOptions): Promise<ClusterLog> {
    const settings = await settleLog(options)
    const log = new ClusterLog(options, settings)
    await log.#client.learnSpaces()
    log.recent.reset((await log.news(null)).position)
    return log
  }

  private constructor(options: ClusterLogOptions, settings: SettledStore) {
    this.#options = options
    this.settings = settings
    this.#epoch = settings.epoch
    const { runner, retention, capacity, description, log, namespace } = options
    this.recent = new RecentLog({ shards: settings.shards, limits: retention })
    this.#keys = logKeys(namespace)
    this.#client = new LogClient({
      runner,
      keys: this.#keys,
      replicas: settings.replicas,
      retention,
      capacity,
      description,
      log,
      create: async () => {
        this.#epoch = (await settleLog(options)).epoch
        this.recent.reset(0)
      },
      heard: (after, entries) => this.recent.add(after, entries),
    })
  }

  get prefixes() {
    return this.#client.prefixes
  }

  /** Of the history that this client follows. */
  get epoch(): ByteString {
    return this.#epoch
  }

  /** What is new since `after`. @throws ScriptFailed */
  async news(after: Position | null): Promise<Head> {
    const reply = await this.#ask(after === null ? null : this.#known(after))
    if (!reply) return { position: 0, number: 0, epoch: this.#epoch, isContinued: false }
    const { position, number, entries } = await this.#client.news(after, reply)
    this.#epoch = reply.epoch
    if (entries === null) this.recent.reset(position)
    return { position, number, epoch: reply.epoch, isContinued: after !== null && entries !== null }
  }

  /** Brings entries that are older than `recent`. False when the log does not have them any more. @throws ScriptFailed */
  async older(after: Position): Promise<boolean> {
    const reply = await this.#ask({ position: after, tag: null })
    const decoded = reply?.stored && (await this.#client.decode(reply.stored, after))
    if (!decoded) return false
    this.recent.add(after, decoded)
    return this.recent.floor <= after
  }

  /** The entries since `after`, when all of them are at hand. */
  entriesSince(after: Position, position: Position): readonly LogEntry[] | null {
    if (
      after < this.recent.floor ||
      after > position ||
      position - after > this.#options.retention.entriesMax
    )
      return null
    return this.recent.between(after, position).map(({ entry }) => entry)
  }

  commit(commit: Commit): Promise<CommitOutcome> {
    const { meta, log } = this.#keys
    return this.#client.commit(commit, { script: logCommitScript, keys: [meta, log] })
  }

  /** Cuts the log below what all shards have. @throws ScriptFailed */
  async trim(upTo: Position): Promise<void> {
    const { runner, retention } = this.#options
    const { meta, log } = this.#keys
    const epoch = Buffer.from(this.#epoch, 'latin1')
    const limits = [retention.entriesMax, retention.bytesMax].map(String)
    await runner.run({
      script: trimScript,
      keys: [meta, log],
      args: [epoch, String(upTo), ...limits],
      replicas: 0,
    })
    this.recent.trim(upTo)
  }

  #known(position: Position) {
    const known = this.#client.known(position)
    return known.tag === null ? { position, tag: this.recent.tagAt(position) ?? null } : known
  }

  async #ask(known: { position: Position; tag: ByteString | null } | null) {
    const { replicas } = this.settings
    const { meta, log } = this.#keys
    const reply = await this.#options.runner.run({
      script: replicas > 0 ? guardedNewsScript : newsScript,
      keys: [meta, log],
      args: [encodeKnown(known)],
      replicas,
    })
    if (!(reply instanceof Buffer)) {
      await this.#client.recreate()
      return undefined
    }
    const reader = new MessageReader(reply)
    reader.array()
    return { ...readLogReply(reader), epoch: reader.bytes() }
  }
}

function settleLog({
  runner,
  namespace,
  random,
  description,
  wanted,
}: ClusterLogOptions): Promise<SettledStore> {
  const { meta, log } = logKeys(namespace)
  return settle({ runner, keys: [meta, log], random, description, wanted })
}
