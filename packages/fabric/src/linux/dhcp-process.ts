/**
 * dnsmasq as a process that outlives this one: recognized by its process id file and its command line, which names the
 * configuration that it read.
 */

import { mkdir, readdir, readFile, readlink, rename, rm, writeFile } from 'node:fs/promises'
import { type Clock, sleep } from '@atoll/kit'
import { ProgramTimedOut } from '../errors.ts'
import { configurationHash, HOSTS_FILE, PID_FILE } from './dhcp-config.ts'
import type { DhcpState, NetworkNames } from './network-state.ts'
import { insideNamespace, type RunProgram } from './program.ts'

/** A copy of the reservations, written when dnsmasq has surely been told about them. */
const LOADED_FILE = 'hosts.loaded'
const STOP_MS_MAX = 2000
const STOP_POLL_MS = 10

export interface DhcpProcess {
  readonly hasFiles: boolean
  readonly isRunning: boolean
  readonly pid: number | undefined
  /** The network namespace in which the process runs. */
  readonly namespaceInode: number | undefined
  readonly state: DhcpState | undefined
}

/** Finds the dnsmasq of the network whose files are in `directory`. */
export async function readDhcp(directory: string): Promise<DhcpProcess> {
  const hasFiles = (await readdir(directory).catch(() => undefined)) !== undefined
  const pid = Number(await readText(`${directory}/${PID_FILE}`)) || undefined
  const hash = pid === undefined ? undefined : await runningConfiguration(pid, directory)
  if (pid === undefined || hash === undefined)
    return { hasFiles, isRunning: false, pid: undefined, namespaceInode: undefined, state: undefined }
  const namespace = await readlink(`/proc/${pid}/ns/net`).catch(() => '')
  const reservations = (await readText(`${directory}/${LOADED_FILE}`))
    .split('\n')
    .filter((line) => line !== '')
  return {
    hasFiles,
    isRunning: true,
    pid,
    namespaceInode: Number(/^net:\[(\d+)\]$/.exec(namespace)?.[1]) || undefined,
    state: { configurationHash: hash, reservations: new Set(reservations) },
  }
}

export interface DhcpServerOptions {
  readonly run: RunProgram
  readonly clock: Clock
  readonly names: NetworkNames
}

/** Stops what runs, if anything does, and starts dnsmasq; resolves when it answers. */
export async function restartDhcp(
  { run, clock, names }: DhcpServerOptions,
  { configuration, reservations }: { configuration: string; reservations: readonly string[] },
): Promise<void> {
  const { directory } = names
  await stopDhcp({ clock, names })
  // The server gives up root, yet reads the reservations again: they must be readable to all. They hold no secret.
  await mkdir(directory, { recursive: true, mode: 0o755 })
  const file = configurationFile(directory, configurationHash(configuration))
  await writeFile(file, configuration, { mode: 0o644 })
  await writeReservations(directory, reservations)
  // dnsmasq goes to the background only after all its sockets are open.
  await run(insideNamespace(names.namespacePath, { program: 'dnsmasq', args: [`--conf-file=${file}`] }))
  await markLoaded(directory, reservations)
}

/** Lets the running dnsmasq read the reservations again. Leases stay. */
export async function reloadDhcp(directory: string, reservations: readonly string[]): Promise<void> {
  await writeReservations(directory, reservations)
  const { pid } = await readDhcp(directory)
  if (pid === undefined || !kill(pid, 'SIGHUP')) return
  await markLoaded(directory, reservations)
}

/** Stops dnsmasq and removes its files. */
export async function stopDhcp({ clock, names }: Omit<DhcpServerOptions, 'run'>): Promise<void> {
  const { pid } = await readDhcp(names.directory)
  if (pid !== undefined) await end(pid, { clock, directory: names.directory })
  await rm(names.directory, { recursive: true, force: true })
}

async function end(pid: number, { clock, directory }: { clock: Clock; directory: string }): Promise<void> {
  const isGone = async () => (await runningConfiguration(pid, directory)) === undefined
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    kill(pid, signal)
    const deadlineMs = clock.monotonicMs() + STOP_MS_MAX
    while (clock.monotonicMs() < deadlineMs) {
      if (await isGone()) return
      await sleep(clock, STOP_POLL_MS)
    }
  }
  throw ProgramTimedOut({ program: `stop of dnsmasq, process ${pid}`, timeoutMs: 2 * STOP_MS_MAX })
}

// The command line of a process that has ended, and waits for its parent only, is empty.
async function runningConfiguration(pid: number, directory: string): Promise<string | undefined> {
  const words = (await readText(`/proc/${pid}/cmdline`)).split('\0')
  const start = `--conf-file=${directory}/dhcp-`
  return words
    .find((word) => word.startsWith(start))
    ?.slice(start.length)
    .replace(/\.conf$/, '')
}

function configurationFile(directory: string, hash: string): string {
  return `${directory}/dhcp-${hash}.conf`
}

// A rename keeps the server from reading half a file.
async function writeReservations(directory: string, reservations: readonly string[]): Promise<void> {
  const file = `${directory}/${HOSTS_FILE}`
  await writeFile(`${file}.new`, lines(reservations), { mode: 0o644 })
  await rename(`${file}.new`, file)
}

async function markLoaded(directory: string, reservations: readonly string[]): Promise<void> {
  await writeFile(`${directory}/${LOADED_FILE}`, lines(reservations))
}

function lines(items: readonly string[]): string {
  return items.map((item) => `${item}\n`).join('')
}

function kill(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
    throw error
  }
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    // ESRCH: the process ended between the opening and the reading.
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ESRCH') return ''
    throw error
  }
}
