/** A Redis server for tests and benchmarks, set up to keep what it acknowledges; or a replica of one. */

import { join } from 'node:path'
import { requireTools } from '../run-program.ts'
import type { ServerCertificates } from './server-certificates.ts'
import { loopbackHost } from './server-host.ts'
import {
  prepareDirectory,
  type StoreServer,
  type StoreServerOptions,
  startServerProcess,
} from './store-server.ts'

export const redisPackages: readonly string[] = ['redis-server', 'redis-tools', 'util-linux']

export interface RedisServerOptions extends StoreServerOptions {
  /** By name, beside and over the defaults: `{ maxmemory: '20mb' }`. */
  readonly settings?: Readonly<Record<string, string>>
  /** With these it speaks TLS, and nothing else. */
  readonly tls?: ServerCertificates
  /** The primary of which this is a replica. */
  readonly replicaOf?: Pick<RedisServer, 'address' | 'port'>
}

export interface RedisServer extends StoreServer {
  readonly address: string
  /** Runs one command by `redis-cli` and answers with what that prints. @throws ProgramFailed */
  command(...args: readonly string[]): Promise<string>
}

const DEFAULTS = {
  appendonly: 'yes',
  appendfsync: 'always',
  save: '',
  // Without a password it would answer on 127.0.0.1 only, and hosts of a lab have other addresses.
  'protected-mode': 'no',
  'maxmemory-policy': 'noeviction',
  // A replica that comes back asks at once instead of waiting for others that might come, too.
  'repl-diskless-sync-delay': '0',
} as const

/** Starts it and waits until it answers. @throws ToolsMissing, ProgramFailed */
export async function startRedis(options: RedisServerOptions): Promise<RedisServer> {
  await requireTools([
    { program: 'redis-server', debianPackage: 'redis-server' },
    { program: 'redis-cli', debianPackage: 'redis-tools' },
  ])
  const { directory, host = loopbackHost, port = await host.freePort(), replicaOf, settings, tls } = options
  const { address } = host
  const all: Record<string, string> = {
    port: String(port),
    bind: address,
    dir: join(directory, 'data'),
    ...DEFAULTS,
    ...(replicaOf ? { replicaof: `${replicaOf.address} ${replicaOf.port}` } : {}),
    ...(tls ? overTls(port, tls) : {}),
    ...settings,
  }
  const access = ['-h', address, '-p', String(port), ...(tls ? ['--tls', '--cacert', tls.authority] : [])]
  const command = (...args: readonly string[]) =>
    host.run('redis-cli', [...access, '-e', ...args], { timeoutMs: 10_000 })
  await prepareDirectory(directory)
  await prepareDirectory(join(directory, 'data'))
  const running = await startServerProcess({
    name: 'redis',
    program: 'redis-server',
    args: Object.entries(all).flatMap(([name, value]) => [
      `--${name}`,
      ...(value === '' ? [''] : value.split(' ')),
    ]),
    directory,
    host,
    isReady: async () => (await command('PING')).includes('PONG'),
  })
  return { ...running, address, port, url: `${tls ? 'rediss' : 'redis'}://${address}:${port}`, command }
}

/** Nodes of a cluster and replicas speak it among themselves, too. */
function overTls(port: number, { authority, certificate, key }: ServerCertificates) {
  return {
    port: '0',
    'tls-port': String(port),
    'tls-cert-file': certificate,
    'tls-key-file': key,
    'tls-ca-cert-file': authority,
    'tls-auth-clients': 'no',
    'tls-replication': 'yes',
    'tls-cluster': 'yes',
  }
}
