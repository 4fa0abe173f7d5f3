/**
 * A time of day that leaps for the programs of a lab, as if they had run for days: libfaketime adds an offset from a file to it and
 * leaves the monotonic clock alone, so that timers go on as they are.
 */

import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Lab } from '@atoll/lab'

export const leapingClockPackages: readonly string[] = ['libfaketime']

export interface LeapingClock {
  /** The lab, whose programs are started with this clock from now on. */
  readonly lab: Lab
  /** Adds to the time of day of all programs, within a second of theirs. */
  leap(hours: number): void
}

const LIBRARY = '/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1'
/** How often a program looks at the file. */
const LOOK_SECONDS = 1

export function withLeapingClock(lab: Lab, directory: string): LeapingClock {
  if (!existsSync(LIBRARY)) throw new Error(`${LIBRARY} is missing: ${leapingClockPackages.join(' ')}`)
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
  const spawn: Lab['spawn'] = (host, program, args, options) =>
    lab.spawn(host, program, args, { ...options, env })
  return {
    lab: { ...lab, spawn },
    leap: (hours) => {
      offsetHours += hours
      writeFileSync(path, `+${offsetHours}h`)
    },
  }
}
