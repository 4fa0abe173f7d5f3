/** The process behind a server on this machine, seen by the kernel and not by Atoll. */

import { readdirSync, readFileSync } from 'node:fs'

/** Ids of the QEMU processes that run the server; more than one is a server that runs twice. */
export function guestProcesses(serverId: string): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && runs(name, serverId))
    .map(Number)
}

function runs(pid: string, serverId: string): boolean {
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
    return words[words.indexOf('-uuid') + 1] === serverId
  } catch {
    // It has ended since we looked.
    return false
  }
}
