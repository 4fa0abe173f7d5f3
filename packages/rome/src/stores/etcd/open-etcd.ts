/**
 * A key/value store on etcd. A commit is one transaction that compares the head and writes head, log entry, rows and index
 * entries; whoever finds that the head has moved gets what came since. A look is one transaction that reads all of it.
 */

import type { Clock, Logger, Random } from '@atoll/kit'
import { StoreMisconfigured, StoreUnavailable } from '../../errors.ts'
import type { StoreUrl } from '../../store-url.ts'
import { fillHoles } from '../key-value/fill-holes.ts'
import type {
  Commit,
  CommitLimits,
  CommitOutcome,
  KeyValueStore,
  LogEntry,
  Look,
  News,
  Position,
  Sight,
} from '../key-value/key-value-store.ts'
import { encodeEntry } from './entry-codec.ts'
import { EtcdClient } from './etcd-client.ts'
import { isCompacted, isFull, translateEtcdError } from './etcd-errors.ts'
import { EtcdKeys } from './etcd-keys.ts'
import { EtcdLooks } from './etcd-looks.ts'
import {
  type Comparison,
  nest,
  type Operation,
  type StatusResponse,
  type TxnRequest,
  type TxnResponse,
  toBase64,
} from './etcd-messages.ts'
import { HeadWatch } from './head-watch.ts'
import { type Head, headValue, NO_HEAD, parseHead, readNews } from './news.ts'

export interface EtcdOptions {
  /** `etcd://host:port,host:port/namespace`; `etcds` for TLS. */
  readonly url: StoreUrl
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  /** How many entries of the log are kept for clients that were away. */
  readonly entriesMax?: number
  /** How long a request waits for a member that answers. */
  readonly patienceMs?: number
}

/** A commit is there twice, as an entry of the log and in its place; etcd takes 1.5 MiB at once (`--max-request-bytes`). */
export const ETCD_LIMITS: CommitLimits = Object.freeze({
  writesMax: 2000,
  readsMax: 10_000,
  bytesMax: 600 * 1024,
})

const ENTRIES_MAX = 1000
const PATIENCE_MS = 8000
/** So often the history of keys is forgotten, all but as many revisions: etcd keeps every version until somebody says so. */
const COMPACT_EVERY = 500
const LOOKS_MAX = 5
/** One more is for the head; comparisons leave less of the limit for what is nested beside them: see `nest`. */
const COMPARISONS_MAX = 63

/** @throws StoreUnavailable, StoreMisconfigured */
export async function openEtcd(options: EtcdOptions): Promise<KeyValueStore> {
  const store = new EtcdStore(options)
  try {
    await store.check()
    return store
  } catch (error) {
    await store.close()
    throw error
  }
}

class EtcdStore implements KeyValueStore {
  readonly description: string
  readonly limits = ETCD_LIMITS
  readonly looksForAbsence = true
  readonly #options: EtcdOptions
  readonly #client: EtcdClient
  readonly #keys: EtcdKeys
  readonly #looks: EtcdLooks
  readonly #watch: HeadWatch
  readonly #entriesMax: number
  #head: Head = NO_HEAD
  /** The end of the commit before: commits of one client would only be in each other's way. */
  #last: Promise<unknown> = Promise.resolve()
  #isClosed = false

  constructor(options: EtcdOptions) {
    const { url, clock, random, patienceMs = PATIENCE_MS } = options
    this.#options = options
    this.#entriesMax = options.entriesMax ?? ENTRIES_MAX
    this.description = `etcd at ${url.withoutPassword}`
    this.#client = new EtcdClient({ url, clock, random, patienceMs })
    this.#keys = new EtcdKeys(url.path === '' ? 'atoll' : url.path)
    this.#looks = new EtcdLooks({
      keys: this.#keys,
      entriesMax: this.#entriesMax,
      ask: (request) => this.#txn(request),
    })
    this.#watch = new HeadWatch({
      client: this.#client,
      clock,
      key: toBase64(this.#keys.head),
      parse: (value) => parseHead(value).position,
      ask: async () => (await this.look({ after: null, keys: [], ranges: [] })).position,
    })
  }

  /** Says what an operator should know of the cluster. */
  async check(): Promise<void> {
    await this.#translated(false, async () => {
      const status = await this.#client.ask<StatusResponse>('/v3/maintenance/status', {})
      const [major = 0, minor = 0] = status.version.split('.').map(Number)
      if (major < 3 || (major === 3 && minor < 4))
        throw StoreMisconfigured({
          path: this.description,
          advice: `etcd ${status.version} is too old; use 3.4 or later`,
        })
      const { members = [] } = await this.#client.ask<{ members?: unknown[] }>('/v3/cluster/member/list', {})
      if (members.length < 3)
        this.#options.log.warn(
          { store: this.description, members: members.length },
          'etcd has fewer than three members: the state is gone with the disk of one, and stands still without it',
        )
      for (const alarm of status.errors ?? [])
        this.#options.log.error({ store: this.description }, `etcd says ${alarm}`)
    })
  }

  async look(look: Look): Promise<Sight> {
    return this.#translated(false, async () => {
      for (let tries = 1; ; tries++) {
        try {
          const { sight, head } = await this.#looks.look(look)
          this.#learn(head)
          return sight
        } catch (error) {
          if (!isCompacted(error) || tries >= LOOKS_MAX) throw error
        }
      }
    })
  }

  commit(commit: Commit): Promise<CommitOutcome> {
    const outcome = this.#last.then(() => this.#translated(true, () => this.#commit(commit)))
    this.#last = outcome.catch(() => {})
    return outcome
  }

  watch(position: Position, signal: AbortSignal): Promise<void> {
    return this.#watch.watch(position, signal)
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    await Promise.all([this.#client.close(), this.#watch.close()])
  }

  async #commit(commit: Commit): Promise<CommitOutcome> {
    // Numbers are filled in here, so that the head must be known; whoever has just looked knows it.
    if (this.#head.position < commit.after) await this.#askHead()
    const head = this.#head
    if (head.position !== commit.after) return this.#missed(commit, await this.#newsSince(commit.after))
    const absent = this.#absences(commit)
    // More than a transaction may compare is looked at before it, which holds if the head is still the same.
    const areManyThere = absent.length > COMPARISONS_MAX && !(await this.#areAbsent(commit))
    if (areManyThere) return { kind: 'conflict', ...(await this.#newsSince(commit.after)) }
    const entry: LogEntry = {
      position: head.position + 1,
      id: commit.id,
      firstNumber: head.number + 1,
      writes: fillHoles(commit.writes, head.number + 1),
      changes: commit.changes,
    }
    const next = { position: entry.position, number: head.number + commit.numbers }
    const compared = absent.length > COMPARISONS_MAX ? [] : absent
    let reply: TxnResponse
    try {
      reply = await this.#txn(this.#append({ head, next, absent: compared }, entry))
    } catch (error) {
      if (!isFull(error)) throw error
      // The transaction that uses up the quota is carried out, and answered like those after it, which are not.
      const outcome = this.#missed(commit, await this.#newsSince(commit.after))
      if (outcome.kind === 'committed') return outcome
      throw error
    }
    if (!reply.succeeded) {
      const news = this.#heard(readNews(reply, commit.after, this.#entriesMax))
      return news.position === head.position ? { kind: 'conflict', ...news } : this.#missed(commit, news)
    }
    this.#learn(next)
    this.#compact(next.position, reply)
    return { kind: 'committed', at: next.position, firstNumber: entry.firstNumber, ...next, entries: [entry] }
  }

  /** Somebody has committed since: this commit itself, perhaps, whose answer was lost. */
  #missed({ id, after }: Commit, news: News): CommitOutcome {
    const own = news.entries?.find((entry) => entry.id === id)
    if (own) return { kind: 'committed', at: own.position, firstNumber: own.firstNumber, ...news }
    // What comes after is not there any more: the store was replaced by an older copy of itself.
    if (news.position < after) return { kind: 'conflict', ...news, entries: null }
    return { kind: 'moved', ...news }
  }

  #absences({ absent }: Commit): readonly Comparison[] {
    if (!absent) return []
    const ranges = absent.ranges.filter(({ from, to }) => from < to)
    return [...absent.keys.map((key) => ({ ...key, to: undefined })), ...ranges].map((wanted) => {
      const prefix = this.#keys.space(wanted.space)
      const from = 'key' in wanted ? wanted.key : wanted.from
      const end = wanted.to === undefined ? {} : { range_end: toBase64(prefix + wanted.to) }
      return { target: 'VERSION', key: toBase64(prefix + from), version: 0, ...end }
    })
  }

  async #areAbsent({ absent = { keys: [], ranges: [] } }: Commit): Promise<boolean> {
    const ranges = absent.ranges.map((range) => ({ ...range, limit: 1, isReversed: false, rowsOf: null }))
    const { sight } = await this.#looks.look({ after: null, keys: absent.keys, ranges })
    return (
      sight.values.every((value) => value === null) && sight.ranges.every(({ keys }) => keys.length === 0)
    )
  }

  #append(
    { head, next, absent }: { head: Head; next: Head; absent: readonly Comparison[] },
    entry: LogEntry,
  ): TxnRequest {
    const { head: headKey } = this.#keys
    const key = toBase64(headKey)
    const forgotten = next.position - this.#entriesMax
    const writes = entry.writes.map(({ space, key: name, value }): Operation => {
      const at = toBase64(this.#keys.space(space) + name)
      return value === null
        ? { requestDeleteRange: { key: at } }
        : { requestPut: { key: at, value: toBase64(value) } }
    })
    return {
      compare: [
        head.position === 0
          ? { target: 'VERSION', key, version: 0 }
          : { target: 'VALUE', key, value: toBase64(headValue(head)) },
        ...absent,
      ],
      success: nest([
        { requestPut: { key, value: toBase64(headValue(next)) } },
        {
          requestPut: { key: toBase64(this.#keys.entry(next.position)), value: toBase64(encodeEntry(entry)) },
        },
        ...(forgotten > 0 ? [{ requestDeleteRange: { key: toBase64(this.#keys.entry(forgotten)) } }] : []),
        ...writes,
      ]),
      failure: this.#looks.newsOperations(head.position),
    }
  }

  async #newsSince(after: Position): Promise<News> {
    const reply = await this.#txn({ success: this.#looks.newsOperations(after) })
    return this.#heard(readNews(reply, after, this.#entriesMax))
  }

  async #askHead(): Promise<void> {
    await this.#newsSince(this.#head.position)
  }

  #heard(news: News): News {
    this.#learn(news)
    return news
  }

  #learn({ position, number }: Head): void {
    this.#head = { position, number }
    this.#watch.saw(position)
  }

  /** Nobody waits for it, and whoever is too late with it does no harm. */
  #compact(position: Position, { header }: TxnResponse): void {
    const revision = Number(header.revision) - COMPACT_EVERY
    if (position % COMPACT_EVERY !== 0 || revision <= 0) return
    this.#client.ask('/v3/kv/compaction', { revision: String(revision) }).catch((error: unknown) => {
      this.#options.log.debug({ store: this.description, err: error }, 'etcd has not compacted its history')
    })
  }

  #txn(request: TxnRequest): Promise<TxnResponse> {
    return this.#client.ask<TxnResponse>('/v3/kv/txn', request)
  }

  async #translated<Result>(isCommit: boolean, work: () => Promise<Result>): Promise<Result> {
    if (this.#isClosed) throw StoreUnavailable({ path: this.description, reason: 'it was closed.' })
    try {
      return await work()
    } catch (error) {
      throw translateEtcdError(error, { description: this.description, isCommit })
    }
  }
}
