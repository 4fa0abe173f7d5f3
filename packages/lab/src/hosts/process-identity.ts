/** Names a process so that another one, later, with the same number, is not taken for it. */

import { readFileSync } from 'node:fs'

export interface ProcessIdentity {
  readonly pid: number
  /** Clock ticks from boot to the start of the process: field 22 of proc(5) `stat`. */
  readonly startTicks: number
}

/** Undefined when no process has that number. */
export function processIdentity(pid: number): ProcessIdentity | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The second field is the program's name in parentheses and may hold spaces and parentheses itself.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' ? undefined : { pid, startTicks: Number(fields[19]) }
  } catch {
    return undefined
  }
}

export function isAlive(identity: ProcessIdentity): boolean {
  const current = processIdentity(identity.pid)
  return current !== undefined && isSameProcess(current, identity)
}

export function isSameProcess(left: ProcessIdentity, right: ProcessIdentity): boolean {
  return left.pid === right.pid && left.startTicks === right.startTicks
}
