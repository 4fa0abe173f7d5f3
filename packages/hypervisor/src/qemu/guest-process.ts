/**
 * Finds and ends the QEMU process of a guest. A pid alone proves nothing, since the kernel reuses pids: a process is
 * the guest's when its command line names the guest's own pid file. A zombie has no command line and counts as gone.
 */

import { readdir, readFile } from 'node:fs/promises'
import { type Clock, sleep } from '@atoll/kit'
import type { GuestDirectory } from './guest-directory.ts'

/** A dead process vanishes in milliseconds; one with gigabytes of memory to free needs a moment more. */
const EXIT_WAIT_MS_MAX = 10_000
const POLL_INTERVAL_MS_MIN = 5
const POLL_INTERVAL_MS_MAX = 200

/** The running process that the pid file names. Cheap. */
export async function recordedProcess(directory: GuestDirectory): Promise<number | undefined> {
  const pid = await directory.readPid()
  return pid !== undefined && (await isGuestProcess(pid, directory)) ? pid : undefined
}

/** The guest's running process, whatever the pid file says: looks at every process when it must. */
export async function searchProcess(directory: GuestDirectory): Promise<number | undefined> {
  const recorded = await recordedProcess(directory)
  if (recorded !== undefined) return recorded
  for (const name of await readdir('/proc')) {
    const pid = Number(name)
    if (Number.isInteger(pid) && (await isGuestProcess(pid, directory))) return pid
  }
  return undefined
}

export async function isGuestProcess(pid: number, directory: GuestDirectory): Promise<boolean> {
  const words = await commandLine(pid)
  const index = words.indexOf('-pidfile')
  return index >= 0 && words[index + 1] === directory.pidPath
}

/** Sends SIGKILL if the process still is the guest's. */
export async function killProcess(pid: number, directory: GuestDirectory): Promise<void> {
  if (!(await isGuestProcess(pid, directory))) return
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    // It ended between the look and the signal.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** True when the process ended within the time. */
export async function waitForExit(
  pid: number,
  directory: GuestDirectory,
  clock: Clock,
  waitMsMax = EXIT_WAIT_MS_MAX,
): Promise<boolean> {
  const untilMs = clock.monotonicMs() + waitMsMax
  for (let pauseMs = POLL_INTERVAL_MS_MIN; await isGuestProcess(pid, directory); pauseMs *= 2) {
    const leftMs = untilMs - clock.monotonicMs()
    if (leftMs <= 0) return false
    await sleep(clock, Math.min(pauseMs, POLL_INTERVAL_MS_MAX, leftMs))
  }
  return true
}

async function commandLine(pid: number): Promise<readonly string[]> {
  try {
    return (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0')
  } catch {
    // It ended, or it is not ours to look at, which QEMU under our user always is.
    return []
  }
}
