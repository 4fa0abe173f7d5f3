/** A key/value store in the memory of this process: for tests, for the simulator, and to measure the layers above it. */

import { StoreUnavailable } from '../../errors.ts'
import type { CommitLimits, KeyValueStore } from '../key-value/key-value-store.ts'
import { MemoryDatabase } from './memory-database.ts'

export const MEMORY_LIMITS: CommitLimits = Object.freeze({
  writesMax: 10_000,
  readsMax: 10_000,
  bytesMax: 8 * 1024 * 1024,
})

export interface MemoryStoreOptions {
  /** What this client shares with others; one of its own by default. */
  readonly database?: MemoryDatabase
  readonly limits?: CommitLimits
  /** As of the store; for tests of those that do not. */
  readonly looksForAbsence?: boolean
}

/** One client of a memory database. Nothing of it survives the process. */
export function memoryStore(options: MemoryStoreOptions = {}): KeyValueStore {
  const { database = new MemoryDatabase(), limits = MEMORY_LIMITS, looksForAbsence = true } = options
  const description = 'memory'
  const closing = new AbortController()
  const open = async <Result>(work: () => Result | Promise<Result>): Promise<Result> => {
    if (closing.signal.aborted) throw StoreUnavailable({ path: description, reason: 'it was closed.' })
    return work()
  }
  return {
    description,
    limits,
    looksForAbsence,
    look: (look) => open(() => database.look(look)),
    commit: (commit) => open(() => database.commit(commit)),
    watch: async (position, signal) => {
      await open(() => news(database, position, AbortSignal.any([signal, closing.signal])))
    },
    close: async () => closing.abort(),
  }
}

function news(database: MemoryDatabase, position: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (database.position > position || signal.aborted) return resolve()
    const finish = () => {
      stop()
      signal.removeEventListener('abort', finish)
      resolve()
    }
    const stop = database.onCommit(finish)
    signal.addEventListener('abort', finish, { once: true })
  })
}
