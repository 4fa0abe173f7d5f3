/** A MariaDB server for tests and benchmarks, alone or as a node of a Galera cluster. */

import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { requireTools, runProgram } from '../run-program.ts'
import { loopbackHost, type ServerHost } from './server-host.ts'
import {
  prepareDirectory,
  type SqlStoreServer,
  type StoreServerOptions,
  startServerProcess,
} from './store-server.ts'

export const mariadbPackages: readonly string[] = ['mariadb-server', 'galera-4', 'rsync', 'util-linux']

const USER = 'mysql'
const DATABASE = 'atoll'

export interface MariadbServerOptions extends StoreServerOptions {
  /** By name, over the defaults: `{ 'innodb-flush-log-at-trx-commit': '2' }`. */
  readonly settings?: Readonly<Record<string, string>>
  readonly readyWithinMs?: number
}

/** Starts it and waits until it answers. @throws ToolsMissing, ProgramFailed */
export async function startMariadb(options: MariadbServerOptions): Promise<SqlStoreServer> {
  await requireTools([{ program: 'mariadbd', debianPackage: 'mariadb-server' }])
  const { directory, host = loopbackHost } = options
  const { address } = host
  const port = options.port ?? (await host.freePort())
  const data = join(directory, 'data')
  await prepareDirectory(directory, USER)
  if (!existsSync(join(data, 'mysql'))) await initialize(directory, data)
  const settings = {
    datadir: data,
    port: String(port),
    'bind-address': address,
    socket: join(directory, 'socket'),
    'pid-file': join(directory, 'pid'),
    'init-file': join(directory, 'init.sql'),
    'skip-name-resolve': 'ON',
    ...options.settings,
  }
  const running = await startServerProcess({
    name: 'mariadb',
    program: 'mariadbd',
    args: ['--no-defaults', ...Object.entries(settings).map(([name, value]) => `--${name}=${value}`)],
    directory,
    user: USER,
    host,
    isReady: () => answers(host, port),
    ...(options.readyWithinMs === undefined ? {} : { readyWithinMs: options.readyWithinMs }),
  })
  const urlOf = (database: string) => `mysql://${DATABASE}:${DATABASE}@${address}:${port}/${database}`
  const execute = async (statement: string) => {
    await host.run('mariadb', client({ host, port, statement }))
  }
  const createDatabase = async (name: string) => {
    await execute(`create database \`${name}\``)
    return urlOf(name)
  }
  return { ...running, port, url: urlOf(DATABASE), createDatabase, execute }
}

async function initialize(directory: string, data: string): Promise<void> {
  await runProgram('mariadb-install-db', [
    '--no-defaults',
    `--datadir=${data}`,
    `--user=${USER}`,
    '--skip-test-db',
    '--auth-root-authentication-method=normal',
  ])
  // One statement a line, read by the server at each start.
  const statements = [
    `create database if not exists ${DATABASE};`,
    `create user if not exists '${DATABASE}'@'%' identified by '${DATABASE}';`,
    `grant all on *.* to '${DATABASE}'@'%';`,
  ]
  writeFileSync(join(directory, 'init.sql'), `${statements.join('\n')}\n`)
}

// A node of a cluster lets nobody in until it is synced.
async function answers(host: ServerHost, port: number): Promise<boolean> {
  const args = client({ host, port, statement: 'select count(*) from information_schema.tables' })
  await host.run('mariadb', args, { timeoutMs: 5000 })
  return true
}

function client(to: {
  readonly host: ServerHost
  readonly port: number
  readonly statement: string
}): string[] {
  const access = [
    `--host=${to.host.address}`,
    `--port=${to.port}`,
    `--user=${DATABASE}`,
    `--password=${DATABASE}`,
  ]
  return ['--no-defaults', ...access, '--batch', `--execute=${to.statement}`, DATABASE]
}
