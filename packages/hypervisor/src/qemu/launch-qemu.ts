/** Starts a QEMU that outlives this process: in a session of its own, with no stream that leads back to us. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { open } from 'node:fs/promises'
import { ProgramMissing } from '../errors.ts'
import { readTail } from './console-log.ts'
import type { GuestDirectory } from './guest-directory.ts'
import { QEMU_DEBIAN_PACKAGE } from './qemu-program.ts'

export interface LaunchOptions {
  readonly program: string
  readonly programArguments: readonly string[]
  readonly directory: GuestDirectory
}

export interface Launched {
  readonly pid: number
  /** Resolves when the process has ended, if we live to see it: true when it ended in order. */
  readonly ended: Promise<boolean>
}

const COMPLAINT_BYTES_MAX = 2_000

/**
 * Resolves when QEMU is being executed; that does not mean that it accepts its arguments. A service manager that
 * runs the caller must not kill its children with it (systemd: `KillMode=process`).
 *
 * @throws ProgramMissing
 */
export async function launchQemu({ program, programArguments, directory }: LaunchOptions): Promise<Launched> {
  await directory.removePidFile()
  const log = await open(directory.logPath, 'w', 0o600)
  await log.close()
  // Appending lets the log be emptied while QEMU holds it.
  const errorStream = await open(directory.logPath, 'a')
  try {
    const child = spawn(program, programArguments, {
      cwd: '/',
      // QEMU needs nothing of our environment, which may hold secrets.
      env: { PATH: process.env.PATH },
      detached: true,
      stdio: ['ignore', 'ignore', errorStream.fd],
    })
    child.unref()
    const ended = once(child, 'exit').then(([exitCode]) => exitCode === 0)
    // Whoever awaits it hears of a failure; nobody has to.
    ended.catch(() => {})
    if (child.pid === undefined) {
      await ended.catch((cause) => {
        throw ProgramMissing({ program, debianPackage: QEMU_DEBIAN_PACKAGE }, { cause })
      })
    }
    return { pid: child.pid ?? 0, ended }
  } finally {
    await errorStream.close()
  }
}

/** What QEMU said last on its error stream. */
export async function lastComplaint(directory: GuestDirectory): Promise<string> {
  const text = (await readTail(directory.logPath, COMPLAINT_BYTES_MAX)).toString('utf8').trim()
  return text.split('\n').at(-1) || 'QEMU ended without a word'
}
