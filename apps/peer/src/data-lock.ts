/** One peer for each data directory, and for each host: locks that the kernel releases with the process, however it ends. */

import { join } from 'node:path'
import { defineError } from '@atoll/kit'
import Sqlite from 'better-sqlite3'

export const DataInUse = defineError({
  code: 'peer.data.in_use',
  status: 409,
  fault: 'conflictingRequest',
  message: ({ dataDirectory }: { dataDirectory: string }) =>
    `Another peer uses ${dataDirectory}. Stop it first, or give this one a directory of its own with --data.`,
})

export const DataUnusable = defineError({
  code: 'peer.data.unusable',
  status: 503,
  fault: 'serviceUnavailable',
  message: ({ dataDirectory, reason }: { dataDirectory: string; reason: string }) =>
    `Nothing can be written to ${dataDirectory} (${reason}). Free some space on its disk, and check that it belongs to the user of the peer.`,
})

/**
 * Takes the directory until the returned function is called or the process ends. SQLite's file locks are the only
 * ones at hand in Node that vanish with their process.
 * @throws DataInUse, DataUnusable
 */
export function lockData(dataDirectory: string): () => void {
  const release = tryLock(dataDirectory, 'peer.lock')
  if (!release) throw DataInUse({ dataDirectory })
  return release
}

/** Takes what guests of this machine are kept in; undefined while another process has it. @throws DataUnusable */
export function tryLockHost(directory: string): (() => void) | undefined {
  return tryLock(directory, 'host.lock')
}

function tryLock(dataDirectory: string, name: string): (() => void) | undefined {
  let lock: Sqlite.Database | undefined
  try {
    lock = new Sqlite(join(dataDirectory, name), { timeout: 0 })
    lock.exec('begin exclusive')
    return () => lock?.close()
  } catch (cause) {
    lock?.close()
    if (cause instanceof Sqlite.SqliteError && cause.code === 'SQLITE_BUSY') return undefined
    throw DataUnusable({ dataDirectory, reason: (cause as Error).message }, { cause })
  }
}
