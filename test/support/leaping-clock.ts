/**
 * A time of day that leaps for the programs of a lab, as if they had run for days: libfaketime adds an offset from a file to it and
 * leaves the monotonic clock alone, so that timers go on as they are.
 */

import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Lab } from '@atoll/lab'

export const leapingClockPackages: readonly string[] = ['libfaketime']

export interface LeapingClock {
  /** The lab, whose programs are started with this clock from now on. */
  readonly lab: Lab
  /** Adds to the time of day of all programs, within a second of theirs. */
  leap(hours: number): void
}

/** The dynamic linker knows what `$LIB` is (ld.so(8)). */
const LIBRARY = '/usr/$LIB/faketime/libfaketimeMT.so.1'
/** How often a program looks at the file. */
const LOOK_SECONDS = 1

export function withLeapingClock(lab: Lab, directory: string): LeapingClock {
  const path = join(directory, 'time-of-day')
  let offsetHours = 0
  writeFileSync(path, '+0')
  const env = {
    ...process.env,
    LD_PRELOAD: LIBRARY,
    FAKETIME_TIMESTAMP_FILE: path,
    FAKETIME_CACHE_DURATION: `${LOOK_SECONDS}`,
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
  }
  const spawn: Lab['spawn'] = (host, program, args, options) => {
    const child = lab.spawn(host, program, args, { ...options, env })
    // What the library shares with children of the program, and leaves behind.
    child.once('exit', () => {
      for (const name of ['faketime_shm_', 'sem.faketime_sem_'])
        rmSync(`/dev/shm/${name}${child.pid}`, { force: true })
    })
    return child
  }
  return {
    lab: { ...lab, spawn },
    leap: (hours) => {
      offsetHours += hours
      writeFileSync(path, `+${offsetHours}h`)
    },
  }
}
