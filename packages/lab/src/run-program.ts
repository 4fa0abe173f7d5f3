/** Runs programs of the machine to their end, with a bound on time and output, and an error that tells what was run. */

import { type SpawnOptions, spawn } from 'node:child_process'
import { access, constants } from 'node:fs/promises'
import { join } from 'node:path'
import { type MissingTool, ProgramFailed, ToolsMissing } from './errors.ts'

export interface RunOptions {
  readonly stdin?: string
  readonly cwd?: string
  readonly env?: NodeJS.ProcessEnv
  readonly timeoutMs?: number
}

export interface ProgramResult {
  readonly stdout: string
  readonly stderr: string
  /** Undefined when a signal ended the program, which is what the time-out does. */
  readonly exitCode: number | undefined
}

const OUTPUT_BYTES_MAX = 4 << 20

// Debian keeps ip, mkfs and others in sbin, which is not on the path of every root shell.
const SEARCH_PATH = `${process.env.PATH ?? ''}:/usr/local/sbin:/usr/sbin:/sbin`

/** Runs to the end and returns the result, whatever the exit code. @throws ProgramFailed when it does not start */
export function runToEnd(
  program: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<ProgramResult> {
  const { stdin, timeoutMs = 60_000, cwd, env = process.env } = options
  const timeout = AbortSignal.timeout(timeoutMs)
  const spawnOptions: SpawnOptions = {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...env, PATH: SEARCH_PATH, LC_ALL: 'C' },
    signal: timeout,
    killSignal: 'SIGKILL',
    ...(cwd === undefined ? {} : { cwd }),
  }
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, spawnOptions)
    const stdout = collect(child.stdout)
    const stderr = collect(child.stderr)
    child.once('error', (cause) => {
      if (!timeout.aborted)
        reject(ProgramFailed({ command: program, reason: cause.message, output: '' }, { cause }))
      // What the program started may hold its output open for ever; the time-out ends the wait for that, too.
      child.stdout?.destroy()
      child.stderr?.destroy()
    })
    child.once('close', (code) =>
      resolve({ stdout: stdout(), stderr: stderr(), exitCode: code ?? undefined }),
    )
    // A program that ends before it has read its input breaks the pipe; its exit code says what went wrong.
    child.stdin?.on('error', () => {})
    child.stdin?.end(stdin ?? '')
  })
}

/** Runs to the end and returns stdout. @throws ProgramFailed unless the exit code is 0 */
export async function runProgram(
  program: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<string> {
  return outputOf(await runToEnd(program, args, options), program, args)
}

/** What a program has printed. @throws ProgramFailed unless its exit code is 0 */
export function outputOf(result: ProgramResult, program: string, args: readonly string[]): string {
  if (result.exitCode === 0) return result.stdout
  const reason =
    result.exitCode === undefined ? 'ended by a signal or its time-out' : `exit code ${result.exitCode}`
  const output = (result.stderr.trim() || result.stdout.trim()).slice(-2000)
  throw ProgramFailed({ command: [program, ...args].join(' '), reason, output })
}

/** Those of `tools` that this machine lacks. */
export async function missingTools(tools: readonly MissingTool[]): Promise<readonly MissingTool[]> {
  const isThere = await Promise.all(tools.map(({ program }) => isOnPath(program)))
  return tools.filter((_, index) => !isThere[index])
}

/** @throws ToolsMissing naming the Debian packages to install */
export async function requireTools(tools: readonly MissingTool[]): Promise<void> {
  const missing = await missingTools(tools)
  if (missing.length > 0) throw ToolsMissing({ tools: missing })
}

export function isRoot(): boolean {
  return process.geteuid?.() === 0
}

async function isOnPath(program: string): Promise<boolean> {
  for (const directory of SEARCH_PATH.split(':')) {
    if (directory === '') continue
    try {
      await access(join(directory, program), constants.X_OK)
      return true
    } catch {
      // Not in this directory: the next one may have it.
    }
  }
  return false
}

function collect(stream: NodeJS.ReadableStream | null): () => string {
  const chunks: Buffer[] = []
  let size = 0
  stream?.on('data', (chunk: Buffer) => {
    if (size < OUTPUT_BYTES_MAX) chunks.push(chunk)
    size += chunk.length
  })
  return () => Buffer.concat(chunks).toString('utf8')
}
