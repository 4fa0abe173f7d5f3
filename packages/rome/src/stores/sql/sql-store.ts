/** A store on a SQL server: serializable transactions that run again after a conflict, and numbers in commit order. */

import { type Clock, fraction, type Logger, type Random, sleep } from '@atoll/kit'
import { Kysely } from 'kysely'
import { OutcomeUnknown, StoreUnavailable, TransactionConflict } from '../../errors.ts'
import type { Table } from '../../schema/define-table.ts'
import type { AnyTables, Queries, Store, Transaction } from '../../store.ts'
import type { StoreUrl } from '../../store-url.ts'
import { ConflictWindow } from './conflict-window.ts'
import { ConnectionPool } from './connection-pool.ts'
import { type CommitListener, ForeignCommits } from './foreign-commits.ts'
import type { SqlConnection, SqlServer, SqlWriter } from './sql-connection.ts'
import { type ExecuteSql, sqlDialect } from './sql-dialect.ts'
import { SqlTransaction } from './sql-transaction.ts'

export interface SqlStoreOptions {
  /** `mysql://user:password@host:port,host:port/database` or `postgresql://…`; the first host that answers is used. */
  readonly url: StoreUrl
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  /** Sessions for reads and for writes each. More than the server has cores only wait for each other there. */
  readonly connectionsMax?: number
  /** How late a peer hears of what others committed. */
  readonly newsIntervalMs?: number
  /** How long one statement may take before the server counts as gone. */
  readonly statementMsMax?: number
}

const CONNECTIONS_MAX = 8
const NEWS_INTERVAL_MS = 100
/** As many requests as a peer takes at a time may wait; each is small. */
const WAITING_MAX = 2000
const WAIT_MS_MAX = 30_000
/** With the pauses below, the last attempt comes after some seconds: far more than any contention that ends by itself. */
const ATTEMPTS_MAX = 20
const PAUSE_MS = 2
const PAUSE_MS_MAX = 200
/** A server that was replaced by another is found by the second attempt. */
const LOST_MAX = 2

/** Opens the store. @throws StoreUnavailable, StoreNewer */
export async function openSqlStore(server: SqlServer, options: SqlStoreOptions): Promise<Store> {
  await server.prepare()
  const reader = await server.connectReader()
  try {
    const store = new SqlStore(server, options, (await server.head(reader)).position)
    try {
      await store.warm()
    } catch (error) {
      await store.close()
      throw error
    }
    return store
  } finally {
    reader.destroy()
  }
}

class SqlStore implements Store {
  readonly description: string
  readonly read: Queries
  readonly #server: SqlServer
  readonly #options: SqlStoreOptions
  readonly #readers: ConnectionPool<SqlConnection>
  readonly #writers: ConnectionPool<SqlWriter>
  readonly #window: ConflictWindow
  readonly #foreign: ForeignCommits
  readonly #peer: string
  #commits = 0
  #roundTrips = 0

  constructor(server: SqlServer, options: SqlStoreOptions, position: number) {
    const { clock, log, random, connectionsMax = CONNECTIONS_MAX } = options
    const isCrowded = (error: unknown) => server.isCrowded(error)
    const bounds = { clock, connectionsMax, waitingMax: WAITING_MAX, waitMsMax: WAIT_MS_MAX, isCrowded }
    this.description = server.description
    this.#server = server
    this.#options = options
    this.#peer = Buffer.from(random.bytes(12)).toString('hex')
    const { description } = server
    this.#readers = new ConnectionPool({ ...bounds, description, connect: () => server.connectReader() })
    this.#writers = new ConnectionPool({ ...bounds, description, connect: () => server.connectWriter() })
    this.#window = new ConflictWindow({
      what: 'the store',
      concurrencyMax: connectionsMax,
      waitingMax: WAITING_MAX,
    })
    this.read = this.#queries((query) => this.#read((reader) => reader.execute(query)))
    this.#foreign = new ForeignCommits({
      clock,
      log,
      peer: this.#peer,
      intervalMs: options.newsIntervalMs ?? NEWS_INTERVAL_MS,
      position,
      commitsAfter: (position, limit) => this.#read((reader) => server.notes.after(reader, position, limit)),
      forget: (position) => this.#read((reader) => server.notes.forget(reader, position)),
    })
  }

  /** One session of each kind is there before others take all that the server has. */
  async warm(): Promise<void> {
    await Promise.all([this.#readers.warm(), this.#writers.warm()])
  }

  get roundTrips(): number {
    return this.#roundTrips
  }

  async transaction<Result>(work: (transaction: Transaction) => Promise<Result>): Promise<Result> {
    const { clock, random } = this.#options
    for (let attempts = 1, lost = 0; ; attempts++) {
      await this.#window.enter()
      let outcome: 'done' | 'conflict' = 'done'
      try {
        return await this.#attempt(work, { isRepeated: attempts > 1 })
      } catch (error) {
        const isConflict = TransactionConflict.is(error)
        if (isConflict) outcome = 'conflict'
        // Nothing was written: a commit whose answer was lost is another error.
        else if (!(error instanceof SessionLost)) throw error
        else if (++lost > LOST_MAX) throw error.reason
        if (attempts >= ATTEMPTS_MAX) throw error
      } finally {
        this.#window.leave(outcome)
      }
      const ceilingMs = Math.min(PAUSE_MS_MAX, PAUSE_MS * 2 ** attempts)
      await sleep(clock, fraction(random) * ceilingMs)
    }
  }

  // Each read asks the server, which knows.
  session<Result>(work: () => Promise<Result>): Promise<Result> {
    return work()
  }

  async headNumber(): Promise<number> {
    return (await this.#read((reader) => this.#server.head(reader))).number
  }

  onForeignCommit(listener: CommitListener): () => void {
    return this.#foreign.listen(listener)
  }

  ensureTables(tables: readonly Table[]): Promise<void> {
    return this.#server.ensureTables(tables)
  }

  async close(): Promise<void> {
    await this.#foreign.close()
    await Promise.all([this.#writers.close(), this.#readers.close()])
  }

  async #attempt<Result>(
    work: (transaction: Transaction) => Promise<Result>,
    manner: { readonly isRepeated: boolean },
  ): Promise<Result> {
    const id = `${this.#peer}-${++this.#commits}`
    const writer = await this.#writers.acquire()
    try {
      writer.begin(manner)
      const transaction = new SqlTransaction(writer, (execute) =>
        this.#queries((query) => {
          this.#roundTrips++
          return execute(query)
        }),
      )
      const result = await this.#runWork(transaction, work)
      this.#roundTrips++
      try {
        await transaction.commit({ id, peer: this.#peer })
      } catch (error) {
        if (OutcomeUnknown.is(error) && (await this.#wasCommitted(id))) return result
        await transaction.rollback()
        throw error
      }
      return result
    } finally {
      this.#writers.release(writer)
    }
  }

  async #runWork<Result>(
    transaction: SqlTransaction,
    work: (transaction: Transaction) => Promise<Result>,
  ): Promise<Result> {
    try {
      const result = await work(transaction)
      if (transaction.failure !== undefined) throw transaction.failure
      return result
    } catch (error) {
      await transaction.rollback()
      // What the work made of a conflict is not its answer.
      const failure = transaction.failure ?? error
      throw StoreUnavailable.is(failure) ? new SessionLost(failure) : failure
    }
  }

  async #wasCommitted(id: string): Promise<boolean> {
    try {
      return await this.#writers.use((writer) => this.#server.isCommitted(writer, id))
    } catch {
      // The server is still away, so that nobody knows: the first error stands.
      return false
    }
  }

  /** A read may be asked again when its session was lost. */
  async #read<Result>(work: (reader: SqlConnection) => Promise<Result>): Promise<Result> {
    for (let lost = 0; ; lost++) {
      const reader = await this.#readers.acquire()
      this.#roundTrips++
      try {
        return await work(reader)
      } catch (error) {
        if (!reader.isUsable && lost < LOST_MAX) continue
        // Nobody is in the way of a read: what it waited for in vain is the server.
        if (!TransactionConflict.is(error)) throw error
        const reason = 'it does not catch up with its cluster.'
        throw StoreUnavailable({ path: this.description, reason }, { cause: error })
      } finally {
        this.#readers.release(reader)
      }
    }
  }

  #queries(execute: ExecuteSql): Queries {
    return new Kysely<AnyTables>({ dialect: sqlDialect(this.#server.dialect, execute) })
  }
}

/** The session of an attempt ended before its commit was asked for. */
class SessionLost extends Error {
  override readonly name = 'SessionLost'
  readonly reason: unknown

  constructor(reason: unknown) {
    super('the session of a transaction was lost')
    this.reason = reason
  }
}
