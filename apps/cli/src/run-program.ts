/** Runs another program with our own terminal and answers with its exit code. */

import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** The root of the checkout. */
export const projectHome = fileURLToPath(new URL('../../..', import.meta.url))

/** Resolves with the exit code; 128 + n when signal n ended the program, as shells report it. */
export function runProgram(program: string, args: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: projectHome, stdio: 'inherit' })
    child.once('error', reject)
    child.once('exit', (code, signal) => resolve(code ?? (signal === 'SIGINT' ? 130 : 143)))
  })
}
