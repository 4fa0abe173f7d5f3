/**
 * Servers of stores for tests and benchmarks, from Debian's packages: each a process of its own that ends with us, in
 * a directory of its own, on an address that nobody else uses. What is common to all of them is here.
 */

import type { ChildProcess } from 'node:child_process'
import { chmodSync, closeSync, mkdirSync, openSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { ProgramFailed } from '../errors.ts'
import { isRoot, runProgram } from '../run-program.ts'
import { loopbackHost, type ServerHost } from './server-host.ts'

export interface StoreServer {
  /** How a store of `@atoll/rome` is opened on it. */
  readonly url: string
  readonly port: number
  readonly pid: number
  /** Ends it as an operator would; what it has said is durable stays in its directory. Safe to call twice. */
  stop(): Promise<void>
  /** Ends it as a power cut would: SIGKILL. */
  kill(): Promise<void>
  /** Stops it from answering, with its connections open (SIGSTOP), until `resume`. */
  pause(): void
  resume(): void
}

export interface SqlStoreServer extends StoreServer {
  /** Makes a database beside that of `url`, and answers with its URL. */
  createDatabase(name: string): Promise<string>
  /** Runs a statement as an administrator. @throws ProgramFailed */
  execute(statement: string): Promise<void>
}

export interface StoreServerOptions {
  /**
   * Where it keeps everything; made when absent, kept when it ends, and started from when it has been used before. The
   * directories above must be readable by everybody: some servers run as a user of their own.
   */
  readonly directory: string
  /** Default: one that is free. Started again on the same port, a server is found again by its clients. */
  readonly port?: number
  /** Default: this machine's loopback. */
  readonly host?: ServerHost
}

export interface ServerProcess {
  readonly name: string
  readonly program: string
  readonly args: readonly string[]
  readonly directory: string
  /** Default: this machine's loopback. */
  readonly host?: ServerHost
  /** The user that it runs as when we are root, which some servers refuse to be. */
  readonly user?: string
  readonly env?: NodeJS.ProcessEnv
  /** What asks the server to end without waiting for its clients. */
  readonly stopSignal?: NodeJS.Signals
  /** Whether it answers now. */
  readonly isReady: () => Promise<boolean>
  readonly readyWithinMs?: number
}

type Running = Pick<StoreServer, 'pid' | 'stop' | 'kill' | 'pause' | 'resume'>

const READY_WITHIN_MS = 60_000
const STOPPED_WITHIN_MS = 15_000

/** Starts the process and waits until it answers. @throws ProgramFailed with the end of what it said */
export async function startServerProcess(options: ServerProcess): Promise<Running> {
  const { program, args, user, directory, env, host = loopbackHost, stopSignal = 'SIGTERM' } = options
  const logPath = join(directory, `${options.name}.log`)
  const log = openSync(logPath, 'a')
  // The kernel ends the server when we are gone, however we went (prctl(2), PR_SET_PDEATHSIG).
  const identity =
    user === undefined || !isRoot() ? [] : [`--reuid=${user}`, `--regid=${user}`, '--init-groups']
  const child = host.spawn('setpriv', ['--pdeathsig', 'KILL', ...identity, '--', program, ...args], {
    cwd: directory,
    stdio: ['ignore', log, log],
    env: { ...process.env, LC_ALL: 'C', ...env },
  })
  closeSync(log)
  child.on('error', () => {})
  const running = controls(child, stopSignal)
  const deadlineMs = performance.now() + (options.readyWithinMs ?? READY_WITHIN_MS)
  for (;;) {
    if (hasEnded(child) || performance.now() > deadlineMs) {
      await running.kill()
      throw failure(options, logPath)
    }
    if (await options.isReady().catch(() => false)) return running
    await pause(25)
  }
}

/** Makes the directory of a server, owned by the user that it runs as. */
export async function prepareDirectory(directory: string, user?: string): Promise<void> {
  mkdirSync(directory, { recursive: true })
  chmodSync(directory, 0o755)
  if (user !== undefined && isRoot()) await runProgram('chown', [`${user}:`, directory])
}

function controls(child: ChildProcess, stopSignal: NodeJS.Signals): Running {
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve())
    child.once('error', () => resolve())
  })
  const end = async (signal: NodeJS.Signals) => {
    if (hasEnded(child)) return
    // A process that was paused hears nothing else.
    signalAll(child, 'SIGCONT')
    child.kill(signal)
    const timer = setTimeout(() => child.kill('SIGKILL'), STOPPED_WITHIN_MS)
    await ended
    clearTimeout(timer)
  }
  return {
    pid: child.pid ?? 0,
    stop: () => end(stopSignal),
    kill: () => end('SIGKILL'),
    pause: () => signalAll(child, 'SIGSTOP'),
    resume: () => signalAll(child, 'SIGCONT'),
  }
}

/** To the server and to the processes that it has started for its clients. */
function signalAll(child: ChildProcess, signal: NodeJS.Signals): void {
  const { pid } = child
  if (pid === undefined || hasEnded(child)) return
  child.kill(signal)
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry) || parentOf(entry) !== pid) continue
    try {
      process.kill(Number(entry), signal)
    } catch {
      // It has ended since we looked.
    }
  }
}

/** Field 4 of proc(5) `stat`; undefined when the process has ended. */
function parentOf(pid: string): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
  } catch {
    return undefined
  }
}

function hasEnded(child: ChildProcess): boolean {
  return child.pid === undefined || child.exitCode !== null || child.signalCode !== null
}

function failure({ name, program }: ServerProcess, logPath: string): Error {
  const output = readFileSync(logPath, 'utf8').trim().slice(-2000)
  return ProgramFailed({ command: program, reason: `${name} did not come up`, output })
}
