/** A server that keeps the state of one site of a local cloud, beside that site's peers. */

import {
  etcdPackages,
  loopbackHost,
  mariadbPackages,
  postgresqlPackages,
  redisPackages,
  type ServerHost,
  startEtcd,
  startMariadb,
  startPostgresql,
  startRedis,
} from '@atoll/lab'
import type { StoreKind } from './store-kinds.ts'

export const storePackages: Readonly<Record<StoreKind, readonly string[]>> = {
  redis: redisPackages,
  etcd: etcdPackages,
  postgresql: postgresqlPackages,
  mariadb: mariadbPackages,
}

export interface SiteStore {
  readonly url: string
  stop(): Promise<void>
}

/**
 * @param options.directory must be readable by everybody: some servers run as a user of their own
 * @throws ToolsMissing, ProgramFailed
 */
export async function startSiteStore(
  kind: StoreKind,
  options: { readonly directory: string; readonly host?: ServerHost },
): Promise<SiteStore> {
  const { directory, host = loopbackHost } = options
  switch (kind) {
    case 'redis':
      return startRedis({ directory, host })
    case 'etcd':
      return startEtcd({ directory, hosts: [host] })
    case 'postgresql':
      return startPostgresql({ directory, host })
    case 'mariadb':
      return startMariadb({ directory, host })
  }
}
