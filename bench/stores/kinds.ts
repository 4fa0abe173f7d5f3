/** The kinds of stores that are compared, and how each is brought up on the hosts of a lab. */

import { join } from 'node:path'
import {
  type ServerHost,
  startEtcd,
  startGalera,
  startMariadb,
  startPostgresql,
  startRedis,
  startRedisCluster,
} from '@atoll/lab'

export interface StoreKind {
  readonly name: string
  /** For the reader of the table: how many servers, and what they promise. */
  readonly description: string
  /** Hosts that its servers lie on, from the first. */
  readonly hosts: number
  readonly peersMax: number
  /** Undefined for a store that each peer has inside. */
  readonly start?: (options: {
    readonly hosts: readonly ServerHost[]
    readonly directory: string
  }) => Promise<{ readonly url: string; stop(): Promise<void> }>
}

const MANY = 64

export const storeKinds: readonly StoreKind[] = [
  { name: 'sqlite', description: 'embedded, one file, flushed at each commit', hosts: 1, peersMax: 1 },
  {
    name: 'mariadb',
    description: 'one server, flushed at each commit',
    hosts: 1,
    peersMax: MANY,
    start: ({ hosts, directory }) =>
      startMariadb({ directory: join(directory, 'mariadb'), host: first(hosts) }),
  },
  {
    name: 'galera',
    description: 'three MariaDB servers, certified by all at each commit',
    hosts: 3,
    peersMax: MANY,
    start: ({ hosts, directory }) =>
      startGalera({ directory: join(directory, 'galera'), hosts: hosts.slice(0, 3) }),
  },
  {
    name: 'postgresql',
    description: 'one server, flushed at each commit',
    hosts: 1,
    peersMax: MANY,
    start: ({ hosts, directory }) =>
      startPostgresql({ directory: join(directory, 'postgresql'), host: first(hosts) }),
  },
  {
    name: 'redis',
    description: 'one server, flushed at each commit',
    hosts: 1,
    peersMax: MANY,
    start: ({ hosts, directory }) => startRedis({ directory: join(directory, 'redis'), host: first(hosts) }),
  },
  {
    name: 'redis-cluster',
    description: 'three primaries without replicas, flushed at each commit',
    hosts: 3,
    peersMax: MANY,
    start: ({ hosts, directory }) =>
      startRedisCluster({ directory: join(directory, 'redis-cluster'), hosts: hosts.slice(0, 3) }),
  },
  {
    name: 'redis-cluster-replicated',
    description: 'three primaries, each with a replica on another host that has the commit before the answer',
    hosts: 3,
    peersMax: MANY,
    start: ({ hosts, directory }) => {
      const three = hosts.slice(0, 3)
      return startRedisCluster({
        directory: join(directory, 'redis-cluster-replicated'),
        hosts: [...three, ...three.slice(1), first(three)],
        replicas: 1,
      })
    },
  },
  {
    name: 'etcd',
    description: 'three members, flushed by a majority at each commit',
    hosts: 3,
    peersMax: MANY,
    start: ({ hosts, directory }) =>
      startEtcd({ directory: join(directory, 'etcd'), hosts: hosts.slice(0, 3) }),
  },
]

function first(hosts: readonly ServerHost[]): ServerHost {
  const [host] = hosts
  if (host === undefined) throw new Error('a store needs a host')
  return host
}
