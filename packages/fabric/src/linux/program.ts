/** Runs the programs of the host: bounded in time and output, with failures that say what to do. */

import { type ChildProcess, spawn } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { join } from 'node:path'
import type { Clock } from '@atoll/kit'
import { ProgramFailed, ProgramMissing, ProgramTimedOut, RootRequired } from '../errors.ts'

/** The programs that wiring needs, and the Debian packages that bring them. */
const DEBIAN_PACKAGES: Readonly<Record<string, string>> = Object.freeze({
  ip: 'iproute2',
  bridge: 'iproute2',
  nft: 'nftables',
  nsenter: 'util-linux',
  dnsmasq: 'dnsmasq-base',
})

/** A batch of some hundred devices takes well under a second; a program that hangs must not stop all wiring. */
const TIMEOUT_MS = 20_000
/** The description of a thousand devices takes about 2 MB. */
const OUTPUT_BYTES_MAX = 32 * 1024 * 1024
/** Administrators' programs are often missing on the PATH of services. */
export const PATH = `${process.env.PATH ?? ''}:/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin`

export interface ProgramCall {
  readonly program: string
  readonly args: readonly string[]
  /** Written to the standard input. */
  readonly input?: string
}

/** Runs a program and resolves with its standard output. */
export type RunProgram = (call: ProgramCall) => Promise<string>

/** @throws RootRequired, ProgramMissing when this process cannot wire anything */
export function requireHostPrograms({ userId = process.geteuid?.(), path = PATH } = {}): void {
  if (userId !== 0) throw RootRequired({})
  for (const program of Object.keys(DEBIAN_PACKAGES)) if (!isInstalled(program, path)) throw missing(program)
}

/** The environment for programs of the host: nothing of ours but the PATH. */
export const hostEnvironment: NodeJS.ProcessEnv = Object.freeze({ PATH, LC_ALL: 'C' })

/** Runs programs under `clock`. Callers get ProgramMissing, ProgramFailed or ProgramTimedOut. */
export function programRunner(clock: Clock, timeoutMs = TIMEOUT_MS): RunProgram {
  return (call) =>
    new Promise((resolve, reject) => {
      const { program, args, input = '' } = call
      const child = spawn(program, args, { env: hostEnvironment, stdio: 'pipe' })
      const stdout = collect(child, 'stdout')
      const stderr = collect(child, 'stderr')
      let isLate = false
      const cancel = clock.after(timeoutMs, () => {
        isLate = true
        child.kill('SIGKILL')
      })
      child.on('error', (cause: NodeJS.ErrnoException) => {
        cancel()
        reject(cause.code === 'ENOENT' ? missing(program) : failed(call, cause.message))
      })
      child.on('close', (code, signal) => {
        cancel()
        if (isLate) reject(ProgramTimedOut({ program: [program, ...args].join(' '), timeoutMs }))
        else if (code === 0) resolve(stdout())
        else reject(failed(call, stderr().trim() || `exit status ${code ?? signal}`))
      })
      // A program that ends without reading its input closes the pipe; its exit status tells why.
      child.stdin.on('error', () => {})
      child.stdin.end(input)
    })
}

/** Runs `call` inside the network namespace at `path`. */
export function insideNamespace(path: string, { program, args, input = '' }: ProgramCall): ProgramCall {
  return { program: 'nsenter', args: [`--net=${path}`, program, ...args], input }
}

function collect(child: ChildProcess, name: 'stdout' | 'stderr'): () => string {
  const chunks: Buffer[] = []
  let bytes = 0
  child[name]?.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes > OUTPUT_BYTES_MAX) child.kill('SIGKILL')
    else chunks.push(chunk)
  })
  return () => Buffer.concat(chunks).toString()
}

function failed({ program, args }: ProgramCall, reason: string) {
  return ProgramFailed({ program: [program, ...args].join(' '), reason: reason.slice(0, 2000) })
}

function missing(program: string) {
  return ProgramMissing({ program, debianPackage: DEBIAN_PACKAGES[program] ?? program })
}

function isInstalled(program: string, path: string): boolean {
  return path.split(':').some((directory) => {
    try {
      accessSync(join(directory, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}
