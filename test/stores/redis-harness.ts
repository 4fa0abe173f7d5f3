/** How tests reach the Redis stores: a namespace for each, clients that are closed at the end whoever had them. */

import { silentLogger, systemClock, systemRandom } from '@atoll/kit'
import { type KeyValueStore, openRome, parseStoreUrl } from '@atoll/rome'
import { crashSuite } from '@atoll/rome/conformance/crash-suite'
import { isolationSuite } from '@atoll/rome/conformance/isolation-suite'
import { keyValueSuite } from '@atoll/rome/conformance/key-value-suite'
import { storeSuite } from '@atoll/rome/conformance/store-suite'
import type { RedisOptions } from '@atoll/rome/redis'

const RETENTION = { entriesMax: 64, bytesMax: 16 << 20 }
const HISTORIES = 5

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

export interface RedisKind {
  readonly name: string
  /** The address of a new store. */
  readonly freshUrl: () => string
  readonly open: (options: RedisOptions) => Promise<KeyValueStore>
}

/** Everything that each key/value store must pass, and each store that stands on one. */
export function redisSuites({ name, freshUrl: fresh, open }: RedisKind): void {
  keyValueSuite(name, async () => {
    const options = { ...clientOptions(fresh()), retention: RETENTION }
    return { commitsRemembered: RETENTION.entriesMax, open: () => open(options), close: async () => {} }
  })
  storeSuite(
    name,
    async () => {
      const options = clientOptions(fresh())
      return {
        open: async () => openRome({ store: await open(options), clock: systemClock, random: systemRandom }),
        close: async () => {},
      }
    },
    { isShared: true },
  )
  const clients = async () => {
    const options = clientOptions(fresh())
    const opened: KeyValueStore[] = []
    return {
      open: async () => {
        const store = await open(options)
        opened.push(store)
        return store
      },
      close: async () => {
        for (const store of opened) await store.close()
      },
    }
  }
  isolationSuite(name, clients, { seeds: HISTORIES, isStepped: false })
  crashSuite(name, clients)
}
