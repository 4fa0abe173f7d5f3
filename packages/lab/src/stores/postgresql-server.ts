/** A PostgreSQL server for tests and benchmarks. */

import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { ToolsMissing } from '../errors.ts'
import { runProgram } from '../run-program.ts'
import { loopbackHost, type ServerHost } from './server-host.ts'
import {
  prepareDirectory,
  type SqlStoreServer,
  type StoreServerOptions,
  startServerProcess,
} from './store-server.ts'

export const postgresqlPackages: readonly string[] = ['postgresql', 'util-linux']

const LIBRARY = '/usr/lib/postgresql'
const USER = 'postgres'
const DATABASE = 'atoll'

export interface PostgresqlServerOptions extends StoreServerOptions {
  /** By name, over the defaults: `{ synchronous_commit: 'off' }`. */
  readonly settings?: Readonly<Record<string, string>>
  /** The server of which it is a hot standby, on the same host: it begins with a copy, and follows. */
  readonly standbyOf?: Pick<SqlStoreServer, 'port'>
}

/** Starts it and waits until it answers. @throws ToolsMissing, ProgramFailed */
export async function startPostgresql(options: PostgresqlServerOptions): Promise<SqlStoreServer> {
  const { directory, host = loopbackHost } = options
  const { address } = host
  const port = options.port ?? (await host.freePort())
  const programs = newestVersion()
  const data = join(directory, 'data')
  await prepareDirectory(directory, USER)
  if (!existsSync(join(data, 'PG_VERSION'))) {
    if (options.standbyOf) await copy(programs, data, at(host, options.standbyOf.port))
    else await initialize(programs, data)
  }
  const settings = {
    listen_addresses: address,
    port: String(port),
    unix_socket_directories: '',
    ...options.settings,
  }
  const running = await startServerProcess({
    name: 'postgresql',
    program: join(programs, 'postgres'),
    args: ['-D', data, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
    directory,
    user: USER,
    // Fast shutdown: clients are cut off, what they committed is written.
    stopSignal: 'SIGINT',
    host,
    isReady: () => ensureDatabase(programs, host, port),
  })
  const urlOf = (database: string) => `postgresql://${USER}@${address}:${port}/${database}`
  const execute = async (statement: string) => {
    await host.run(join(programs, 'psql'), [
      ...at(host, port),
      '-v',
      'ON_ERROR_STOP=1',
      '-c',
      statement,
      DATABASE,
    ])
  }
  const createDatabase = async (name: string) => {
    await execute(`create database "${name}"`)
    return urlOf(name)
  }
  return { ...running, port, url: urlOf(DATABASE), createDatabase, execute }
}

async function initialize(programs: string, data: string): Promise<void> {
  const args = ['-D', data, '-U', USER, '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync']
  await runAsUser(join(programs, 'initdb'), args)
  const access = 'host all all 0.0.0.0/0 trust\n'
  await runProgram('sh', ['-c', 'cat >> "$1"', 'sh', join(data, 'pg_hba.conf')], { stdin: access })
}

/** What `-R` writes beside the copy makes a standby of whoever starts with it. */
async function copy(programs: string, data: string, from: readonly string[]): Promise<void> {
  const args = ['-D', data, ...from, '-X', 'stream', '-c', 'fast', '-R', '--no-sync']
  await runAsUser(join(programs, 'pg_basebackup'), args)
}

async function runAsUser(program: string, args: readonly string[]): Promise<void> {
  await runProgram('setpriv', [`--reuid=${USER}`, `--regid=${USER}`, '--init-groups', program, ...args])
}

async function ensureDatabase(programs: string, host: ServerHost, port: number): Promise<boolean> {
  const databases = await host.run(join(programs, 'psql'), [...at(host, port), '-AtlqF,', 'postgres'])
  if (databases.split('\n').some((line) => line.startsWith(`${DATABASE},`))) return true
  await host.run(join(programs, 'createdb'), [...at(host, port), DATABASE])
  return true
}

function at(host: ServerHost, port: number): string[] {
  return ['-h', host.address, '-p', String(port), '-U', USER]
}

function newestVersion(): string {
  const versions = existsSync(LIBRARY) ? readdirSync(LIBRARY).map(Number) : []
  const newest = versions
    .filter((version) => existsSync(join(LIBRARY, String(version), 'bin/initdb')))
    .sort((a, b) => b - a)[0]
  if (newest === undefined)
    throw ToolsMissing({ tools: [{ program: 'initdb', debianPackage: 'postgresql' }] })
  return join(LIBRARY, String(newest), 'bin')
}
