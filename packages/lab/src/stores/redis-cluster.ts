/** A Redis Cluster for tests and benchmarks: primaries that share the slots, each with its replicas. */

import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { ProgramFailed } from '../errors.ts'
import { type RedisServer, startRedis } from './redis-server.ts'
import type { ServerCertificates } from './server-certificates.ts'
import { loopbackHosts, type ServerHost } from './server-host.ts'

export interface RedisClusterOptions {
  readonly directory: string
  /** One node for each: primaries first, then their replicas in turn. Default: as many as needed on loopback. */
  readonly hosts?: readonly ServerHost[]
  /** Default 3, the least that Redis allows. */
  readonly primaries?: number
  /** Of each primary. Default 0. */
  readonly replicas?: number
  /** With these its nodes speak TLS, and nothing else. */
  readonly tls?: ServerCertificates
  /** By name, beside and over the defaults: `{ 'cluster-node-timeout': '1000' }`. */
  readonly settings?: Readonly<Record<string, string>>
}

export interface RedisCluster {
  readonly nodes: readonly RedisServer[]
  /** Names all nodes. */
  readonly url: string
  /** Starts a node that has ended, from its own directory. */
  restart(index: number): Promise<RedisServer>
  stop(): Promise<void>
}

/** The bus of a node has its port and ten thousand. */
const PORT_MAX = 65_535 - 10_000
const READY_WITHIN_MS = 60_000

/** Starts the nodes side by side and waits until all of them know that the cluster is whole. @throws ToolsMissing, ProgramFailed */
export async function startRedisCluster(options: RedisClusterOptions): Promise<RedisCluster> {
  const { directory, primaries = 3, replicas = 0, settings, tls } = options
  const count = primaries * (1 + replicas)
  const { hosts = loopbackHosts(count) } = options
  const ports: number[] = []
  for (const host of hosts) ports.push(await clusterPort(host, ports))
  const start = (host: ServerHost, index: number) =>
    startRedis({
      directory: join(directory, `node-${index}`),
      host,
      port: ports[index] ?? 0,
      ...(tls && { tls }),
      settings: {
        'cluster-enabled': 'yes',
        'cluster-config-file': 'nodes.conf',
        'cluster-node-timeout': '2000',
        // A replica whose link has just broken may take over, too: tests kill primaries at once.
        'cluster-replica-validity-factor': '0',
        ...settings,
      },
    })
  const started = await Promise.allSettled(hosts.map(start))
  const nodes = started.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
  const stop = async () => {
    await Promise.all(nodes.map((node) => node.stop()))
  }
  try {
    const failed = started.find((outcome) => outcome.status === 'rejected')
    if (failed) throw failed.reason
    await form(nodes, { replicas, host: hosts[0] as ServerHost, tls })
  } catch (error) {
    await stop()
    throw error
  }
  return {
    nodes,
    url: `${tls ? 'rediss-cluster' : 'redis-cluster'}://${nodes.map(({ address, port }) => `${address}:${port}`).join(',')}`,
    restart: async (index) => {
      const node = await start(hosts[index] as ServerHost, index)
      nodes[index] = node
      return node
    },
    stop,
  }
}

async function clusterPort(host: ServerHost, taken: readonly number[]): Promise<number> {
  for (;;) {
    const port = await host.freePort()
    if (port <= PORT_MAX && !taken.includes(port)) return port
  }
}

interface Forming {
  readonly replicas: number
  readonly host: ServerHost
  readonly tls: ServerCertificates | undefined
}

async function form(nodes: readonly RedisServer[], { replicas, host, tls }: Forming): Promise<void> {
  const members = nodes.map(({ address, port }) => `${address}:${port}`)
  await host.run('redis-cli', [
    ...['--cluster', 'create', ...members],
    ...['--cluster-replicas', String(replicas), '--cluster-yes'],
    ...(tls ? ['--tls', '--cacert', tls.authority] : []),
  ])
  const deadlineMs = performance.now() + READY_WITHIN_MS
  while (!(await isWhole(nodes, replicas))) {
    if (performance.now() > deadlineMs)
      throw ProgramFailed({
        command: 'redis-cli --cluster create',
        reason: 'it did not become whole',
        output: '',
      })
    await pause(50)
  }
}

/** Whether every node serves, and every replica has its data. */
async function isWhole(nodes: readonly RedisServer[], replicas: number): Promise<boolean> {
  for (const node of nodes) {
    const cluster = await node.command('CLUSTER', 'INFO')
    if (!cluster.includes('cluster_state:ok')) return false
    const replication = await node.command('INFO', 'replication')
    const isPrimary = replication.includes('role:master')
    const needed = isPrimary ? `connected_slaves:${replicas}` : 'master_link_status:up'
    if (!replication.includes(needed)) return false
  }
  return true
}
