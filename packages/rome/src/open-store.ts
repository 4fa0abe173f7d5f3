/**
 * Opens the store that an address names. A driver is loaded only when it is asked for: a peer on SQLite carries none of
 * the others. A new kind of store is one line here.
 */

import type { Clock, Logger, Random } from '@atoll/kit'
import { StoreKindUnknown } from './errors.ts'
import type { Store } from './store.ts'
import { parseStoreUrl, type StoreUrl } from './store-url.ts'
import type { KeyValueStore } from './stores/key-value/key-value-store.ts'

export interface StoreTools {
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
}

interface StoreKind {
  /** Whether several peers, on several machines, can have it open. */
  readonly isShared: boolean
  readonly open: (url: StoreUrl, tools: StoreTools) => Promise<Store>
}

const sqlite: StoreKind = {
  isShared: false,
  open: async ({ path }) => (await import('./stores/sqlite/open-sqlite.ts')).openSqlite({ path }),
}

const postgresql: StoreKind = {
  isShared: true,
  open: async (url, tools) =>
    (await import('./stores/postgresql/open-postgresql.ts')).openPostgresql({ url, ...tools }),
}

const mysql: StoreKind = {
  isShared: true,
  open: async (url, tools) => (await import('./stores/mysql/open-mysql.ts')).openMysql({ url, ...tools }),
}

const etcd: StoreKind = {
  isShared: true,
  open: async (url, tools) => {
    const { openEtcd } = await import('./stores/etcd/open-etcd.ts')
    return onKeyValues(await openEtcd({ url, ...tools }), tools)
  },
}

const redis: StoreKind = {
  isShared: true,
  open: async (url, tools) => {
    const { openRedis } = await import('./stores/redis/open-redis.ts')
    return onKeyValues(await openRedis({ url, ...tools }), tools)
  },
}

const redisCluster: StoreKind = {
  isShared: true,
  open: async (url, tools) => {
    const { openRedisCluster } = await import('./stores/redis-cluster/open-redis-cluster.ts')
    return onKeyValues(await openRedisCluster({ url, ...tools }), tools)
  },
}

const KINDS: Readonly<Record<string, StoreKind>> = {
  sqlite,
  postgresql,
  mysql,
  mariadb: mysql,
  etcd,
  etcds: etcd,
  redis,
  rediss: redis,
  'redis-cluster': redisCluster,
  'rediss-cluster': redisCluster,
}

/** @throws StoreUrlInvalid, StoreKindUnknown, and what opening that kind of store throws */
export async function openStore(text: string, tools: StoreTools): Promise<Store> {
  const url = parseStoreUrl(text)
  return kindOf(url).open(url, tools)
}

/** Whether a site whose state is there can have several peers. @throws StoreUrlInvalid, StoreKindUnknown */
export function isSharedStore(text: string): boolean {
  return kindOf(parseStoreUrl(text)).isShared
}

function kindOf({ scheme }: StoreUrl): StoreKind {
  const kind = Object.hasOwn(KINDS, scheme) ? KINDS[scheme] : undefined
  if (!kind) throw StoreKindUnknown({ scheme, known: Object.keys(KINDS) })
  return kind
}

/** ROME's own layers are loaded only when a store needs them, too. */
async function onKeyValues(store: KeyValueStore, tools: StoreTools): Promise<Store> {
  const { openRome } = await import('./open-rome.ts')
  return openRome({ store, ...tools })
}
