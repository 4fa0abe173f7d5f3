/** Runs another program with our own terminal and answers with its exit code. */

import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { fileURLToPath } from 'node:url'

/** The root of the checkout. */
export const projectHome = fileURLToPath(new URL('../../..', import.meta.url)).replace(/\/$/, '')

/** What follows `node` to start this very program, as the launcher does: for processes that are peers of their own. */
export const atollArguments: readonly string[] = [
  '--max-semi-space-size=8',
  '--disable-warning=ExperimentalWarning',
  `${projectHome}/apps/cli/src/main.ts`,
]

/** Resolves with the exit code; 128 + n when signal n ended the program, as shells report it. */
export function runProgram(program: string, args: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: projectHome, stdio: 'inherit' })
    child.once('error', reject)
    child.once('exit', (code, signal) => resolve(exitCode(code, signal)))
  })
}

export function exitCode(code: number | null, signal: NodeJS.Signals | null): number {
  return code ?? 128 + (signal === null ? 0 : constants.signals[signal])
}
