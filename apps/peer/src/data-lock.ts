/** One peer per data directory: a lock that the kernel releases with the process, however it ends. */

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

/**
 * Takes the directory until the returned function is called or the process ends. SQLite's file locks are the only
 * ones at hand in Node that vanish with their process. @throws DataInUse
 */
export function lockData(dataDirectory: string): () => void {
  const lock = new Sqlite(join(dataDirectory, 'peer.lock'), { timeout: 0 })
  try {
    lock.exec('begin exclusive')
  } catch (error) {
    lock.close()
    throw DataInUse({ dataDirectory }, { cause: error })
  }
  return () => lock.close()
}
