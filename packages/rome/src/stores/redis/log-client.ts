/**
 * What a client remembers of a log in Redis, and how it asks it: the same for one Redis and for a cluster, whose log lies in
 * one slot. It notices a log that was rewound (a failover that lost commits, FLUSHALL, an old dump): the tag of the position
 * that it knows is then another one, or missing.
 */

import { assert, type Logger } from '@atoll/kit'
import { OutcomeUnknown, StoreUnavailable } from '../../errors.ts'
import { fillHoles } from '../key-value/fill-holes.ts'
import type { Commit, CommitOutcome, News, Position, Write } from '../key-value/key-value-store.ts'
import { decodeEntry, type StoredEntry, type Tag, UnknownSpace } from './log-entry.ts'
import {
  type CommitReply,
  decodeCommitReply,
  encodeCommit,
  type Known,
  type LogReply,
  type Retention,
} from './messages.ts'
import { ScriptFailed, type ScriptRunner } from './script-runner.ts'
import type { Script } from './scripts/script.ts'
import { allSpacesScript, nameSpacesScript } from './scripts/set-up-scripts.ts'
import { BEHIND, COMMITTED, REPEATED } from './scripts/single-scripts.ts'
import { SpacePrefixes } from './space-prefix.ts'
import type { LogKeys } from './store-keys.ts'

/** Positions whose tags are remembered: more than a peer has looks under way. */
const TAGS_MAX = 1024
/** Commits without an answer that are remembered, in case somebody asks again. */
const UNSURE_MAX = 1024

export interface LogClientOptions {
  readonly runner: ScriptRunner
  readonly keys: LogKeys
  readonly replicas: number
  /** What is kept for clients that were away. */
  readonly retention: Retention
  /** Of a cluster: see `BEHIND`. */
  readonly capacity: Retention | null
  readonly description: string
  readonly log: Logger
  /** Makes the store anew, empty, after it has vanished. */
  readonly create: () => Promise<void>
  /** Hears of every entry that a reply brings, and of the own ones: those that follow `after`. */
  readonly heard?: (after: Position, entries: readonly StoredEntry[]) => void
}

export interface CommitScript {
  readonly script: Script
  /** Of Redis, in the order that the script asks for. */
  readonly keys: readonly string[]
}

export class LogClient {
  readonly prefixes = new SpacePrefixes()
  readonly #options: LogClientOptions
  readonly #tags = new Map<Position, Tag>()
  readonly #named = new Set<string>()
  readonly #unsure = new Set<string>()

  constructor(options: LogClientOptions) {
    this.#options = options
  }

  known(position: Position): Known {
    return { position, tag: this.#tags.get(position) ?? null }
  }

  /** What a reply of the log tells to somebody who knew `after`. @throws ScriptFailed */
  async news(after: Position | null, reply: LogReply): Promise<News> {
    const { position, number, stored, tag } = reply
    const isLate = after !== null && position - after > this.#options.retention.entriesMax
    const decoded = stored && !isLate ? await this.decode(stored, after ?? position) : null
    if (decoded === null) this.#forget(after, reply)
    else if (after !== null) this.#options.heard?.(after, decoded)
    this.#remember(position, tag)
    return { position, number, entries: decoded?.map(({ entry }) => entry) ?? null }
  }

  /** @throws AtollError of errors.ts, ScriptFailed */
  async commit(commit: Commit, { script, keys }: CommitScript): Promise<CommitOutcome> {
    const { runner, replicas, retention, capacity, description } = this.#options
    await this.nameSpaces(commit.writes)
    const known = this.known(commit.after)
    const args = [encodeCommit({ commit, known, retention, capacity }, this.prefixes)]
    try {
      const reply = await runner.run({ script, keys, args, replicas })
      if (reply instanceof Buffer) return await this.#outcome(commit, decodeCommitReply(reply))
      await this.recreate()
      return { kind: 'conflict', position: 0, number: 0, entries: null }
    } catch (error) {
      if (!(error instanceof ScriptFailed && error.isUnsure)) throw error
      this.#unsure.add(commit.id)
      if (this.#unsure.size > UNSURE_MAX) this.#unsure.delete(first(this.#unsure))
      throw OutcomeUnknown({ store: description }, { cause: error.cause })
    }
  }

  /** The entries as they are stored, from the one behind `after` on; null when one names a space that the store does not know. */
  async decode(stored: readonly Buffer[], after: Position): Promise<readonly StoredEntry[] | null> {
    const decodeAll = () => stored.map((each, index) => decodeEntry(each, after + 1 + index, this.prefixes))
    try {
      return decodeAll()
    } catch (error) {
      if (!(error instanceof UnknownSpace)) throw error
    }
    await this.learnSpaces()
    try {
      return decodeAll()
    } catch (error) {
      if (!(error instanceof UnknownSpace)) throw error
      return null
    }
  }

  /** Brings the names of all spaces. @throws ScriptFailed */
  async learnSpaces(): Promise<void> {
    const { runner, keys } = this.#options
    const reply = await runner.run({ script: allSpacesScript, keys: [keys.spaces], args: [], replicas: 0 })
    assert(Array.isArray(reply), 'fields and values of a hash')
    for (let index = 0; index < reply.length; index += 2) {
      const space = String(reply[index + 1])
      this.prefixes.learn((reply[index] as Buffer).toString('latin1'), space)
      this.#named.add(space)
    }
  }

  /** Sees to it that others can tell which spaces a commit writes to. @throws ScriptFailed */
  async nameSpaces(writes: readonly Write[]): Promise<void> {
    const unnamed = new Set<string>()
    for (const { space } of writes) if (!this.#named.has(space)) unnamed.add(space)
    if (unnamed.size === 0) return
    const { runner, keys, replicas } = this.#options
    const args = [...unnamed].flatMap((space) => [
      Buffer.from(this.prefixes.prefixOf(space), 'latin1'),
      space,
    ])
    const taken = await runner.run({ script: nameSpacesScript, keys: [keys.spaces], args, replicas })
    assert(!(taken instanceof Buffer), `a space has the prefix of ${String(taken)}: rename it`)
    for (const space of unnamed) this.#named.add(space)
  }

  /** The store has vanished under us. @throws ScriptFailed */
  async recreate(): Promise<void> {
    this.#options.log.error({ store: this.#options.description }, 'the store is gone: it begins anew, empty')
    this.#tags.clear()
    this.#named.clear()
    await this.#options.create()
  }

  async #outcome(commit: Commit, reply: CommitReply): Promise<CommitOutcome> {
    const news = await this.news(commit.after, reply)
    const { kind, at, firstNumber } = reply
    if (kind === COMMITTED || kind === REPEATED) {
      this.#unsure.delete(commit.id)
      if (kind === REPEATED) return { kind: 'committed', at, firstNumber, ...news }
      const { id, changes } = commit
      const own = { position: at, id, firstNumber, writes: fillHoles(commit.writes, firstNumber), changes }
      this.#options.heard?.(at - 1, [{ entry: own, tag: reply.tag }])
      return { kind: 'committed', at, firstNumber, ...news, entries: news.entries && [...news.entries, own] }
    }
    if (kind === BEHIND)
      throw StoreUnavailable({
        path: this.#options.description,
        reason: 'a node that holds a part of it has not followed for too long.',
      })
    // The log has forgotten what was there when the commit was first asked, the commit itself perhaps.
    if (news.entries === null && this.#unsure.has(commit.id))
      throw OutcomeUnknown({ store: this.#options.description })
    return { kind: 'conflict', ...news }
  }

  #forget(after: Position | null, reply: LogReply): void {
    const { log, description } = this.#options
    if (after !== null && reply.position <= after)
      log.error(
        { store: description, after, position: reply.position },
        'the store was rewound: commits that it had acknowledged are gone',
      )
    this.#tags.clear()
    this.#named.clear()
  }

  #remember(position: Position, tag: Tag): void {
    this.#tags.delete(position)
    this.#tags.set(position, tag)
    if (this.#tags.size > TAGS_MAX) this.#tags.delete(first(this.#tags.keys()))
  }
}

function first<Value>(values: Iterable<Value>): Value {
  const [value] = values
  return value as Value
}
