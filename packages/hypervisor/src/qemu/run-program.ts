/** Runs a program of the host to its end, bounded in time and output. */

import { spawn } from 'node:child_process'
import type { Clock } from '@atoll/kit'
import { ProgramMissing } from '../errors.ts'

export interface ProgramOptions {
  readonly program: string
  readonly programArguments: readonly string[]
  /** Named to the operator when the program is missing. */
  readonly debianPackage: string
  readonly clock: Clock
  /** The program is killed when it takes longer. */
  readonly timeoutMs: number
  readonly input?: string
}

export interface ProgramResult {
  /** Undefined when a signal ended the program. */
  readonly exitCode: number | undefined
  readonly isTimedOut: boolean
  /** The first 64 KiB of each stream. */
  readonly output: string
  readonly errorOutput: string
}

const OUTPUT_LENGTH_MAX = 64 * 1024
const VERSION_TIMEOUT_MS = 10_000

/** Resolves however the program ends. @throws ProgramMissing */
export function runProgram(options: ProgramOptions): Promise<ProgramResult> {
  const { program, programArguments, debianPackage, clock, timeoutMs, input } = options
  return new Promise((resolve, reject) => {
    const child = spawn(program, programArguments, { stdio: 'pipe' })
    let isTimedOut = false
    const cancelTimer = clock.after(timeoutMs, () => {
      isTimedOut = true
      child.kill('SIGKILL')
    })
    const output = collect(child.stdout)
    const errorOutput = collect(child.stderr)
    child.on('error', (error: NodeJS.ErrnoException) => {
      cancelTimer()
      reject(error.code === 'ENOENT' ? ProgramMissing({ program, debianPackage }, { cause: error }) : error)
    })
    child.on('close', (exitCode) => {
      cancelTimer()
      const text = { output: output(), errorOutput: errorOutput() }
      resolve({ exitCode: exitCode ?? undefined, isTimedOut, ...text })
    })
    // A program that ends without reading its input is judged by its exit code, not by the broken pipe.
    child.stdin.on('error', () => {})
    child.stdin.end(input)
  })
}

/** @throws ProgramMissing */
export async function requireProgram(
  options: Pick<ProgramOptions, 'program' | 'debianPackage' | 'clock'>,
): Promise<void> {
  await runProgram({ ...options, programArguments: ['--version'], timeoutMs: VERSION_TIMEOUT_MS })
}

function collect(stream: NodeJS.ReadableStream): () => string {
  let text = ''
  stream.setEncoding('utf8')
  stream.on('data', (chunk: string) => {
    text = (text + chunk).slice(0, OUTPUT_LENGTH_MAX)
  })
  return () => text
}
