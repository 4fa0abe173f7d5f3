/** How tests reach the Redis stores: real servers, a namespace for each fact, everything gone at the end. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentLogger, sleep, systemClock, systemRandom } from '@atoll/kit'
import { missingPackages, redisPackages } from '@atoll/lab'
import { parseStoreUrl } from '@atoll/rome'
import type { RedisOptions } from '@atoll/rome/redis'

const missing = await missingPackages(redisPackages)

/** Why tests with Redis servers cannot run here; false when they can. */
export const skipRedis = missing.length > 0 && `not installed: ${missing.join(' ')}`

const WITHIN_MS = 60_000

let namespaces = 0

/** A store of its own on a server that tests share. */
export function freshUrl(serverUrl: string, options = ''): string {
  return `${serverUrl}?namespace=test-${process.pid}-${++namespaces}${options}`
}

export const clientOptions = (url: string): RedisOptions => ({
  url: parseStoreUrl(url),
  clock: systemClock,
  random: systemRandom,
  log: silentLogger,
})

/** A directory that is removed by the returned function. */
export function temporaryDirectory(): { readonly directory: string; readonly remove: () => void } {
  const directory = mkdtempSync(join(tmpdir(), 'atoll-redis-'))
  return { directory, remove: () => rmSync(directory, { recursive: true, force: true }) }
}

/** Waits until `condition` holds; one that fails does not hold. */
export async function eventually(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const startMs = systemClock.monotonicMs()
  while (
    !(await Promise.resolve()
      .then(condition)
      .catch(() => false))
  ) {
    if (systemClock.monotonicMs() - startMs > WITHIN_MS)
      throw new Error(`not within ${WITHIN_MS} ms: ${what}`)
    await sleep(systemClock, 20)
  }
}
