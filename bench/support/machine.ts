/** On what a figure was measured, without which it says nothing. */

import { readFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'

export function machineLine(): string {
  const memoryGib = Math.round(totalmem() / 2 ** 30)
  const date = new Date().toISOString().slice(0, 10)
  return `${cpus().length} × ${cpus()[0]?.model.trim()}, ${memoryGib} GiB, Node ${process.version}, ${date}`
}

/** Linux counts processor time in hundredths of a second, whatever the kernel's own tick. */
const TICKS_PER_SECOND = 100

/** Seconds of processor time, user and system, that a process has taken: fields 14 and 15 of proc(5) `stat`. */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // The second field may hold spaces; what follows its closing parenthesis does not.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
}

/** Resident memory of a process. */
export function residentMib(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/status`, 'utf8').match(/VmRSS:\s+(\d+) kB/)?.[1]) / 1024
}
