/** Takes labs away: by name, or those whose owner is gone. Everything here may run twice, and beside itself. */

import { readdir, readlink } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { assert } from '@atoll/kit'
import { NotRoot, ProgramFailed } from '../errors.ts'
import { isRoot, runProgram, runToEnd } from '../run-program.ts'
import { type MarkedLab, markedLabs } from './lab-mark.ts'
import { namespacePrefix } from './lab-plan.ts'
import { isAlive, isSameProcess, type ProcessIdentity } from './process-identity.ts'

/** How long processes have to end after each signal. QEMU and our peers need a fraction of it. */
const WAIT_MS = { SIGTERM: 2000, SIGKILL: 5000 }

/**
 * Removes the lab `name`, whoever made it, with the processes in it, or what a crash left of it. Nothing happens when
 * there is none. @throws NotRoot
 */
export async function cleanUpLab(name: string): Promise<void> {
  if (!isRoot()) throw NotRoot({ what: 'remove network namespaces' })
  await removeLab(name)
}

/** Removes every lab whose owner and keeper have both ended. @returns their names */
export async function sweepStaleLabs(): Promise<readonly string[]> {
  if (!isRoot()) throw NotRoot({ what: 'remove network namespaces' })
  const stale = (await markedLabs()).filter(
    ({ mark: { owner, keeper } }) => !isAlive(owner) && !(keeper !== undefined && isAlive(keeper)),
  )
  for (const { mark } of stale) await removeLab(mark.name, mark)
  return stale.map(({ mark }) => mark.name)
}

export interface RemovalOptions {
  /** Leaves a lab of the same name alone when another process has made it. */
  readonly owner?: ProcessIdentity
  /** Ends the keeper, once nothing on the hosts needs the WAN any more. */
  readonly endKeeper?: () => Promise<void>
}

/**
 * The bridge goes last: while it stands, its alias tells the next one that there is something to clean up, and no other
 * lab takes its addresses, which the relay still holds.
 */
export async function removeLab(name: string, { owner, endKeeper }: RemovalOptions = {}): Promise<void> {
  const labs = await labsNamed(name)
  if (owner !== undefined && labs.some(({ mark }) => !isSameProcess(mark.owner, owner))) {
    await endKeeper?.()
    return
  }
  const namespaces = await labNamespaces(name)
  const mounts = await mountNamespacesOf(await processesIn(namespaces))
  await endProcesses(async () => [...(await processesIn(namespaces)), ...(await processesWith(mounts))])
  await (endKeeper ?? (() => killKeepers(labs)))()
  const ports = (await Promise.all(labs.map(({ bridge }) => portsOf(bridge)))).flat()
  // Another cleaner may be faster with some of it, so single failures say nothing; what is left over does.
  const commands = [
    // A veth pair goes at once; left to the namespace it would linger until the kernel gets round to it.
    ...ports.map((port) => `link delete dev ${port}`),
    ...namespaces.map((namespace) => `netns delete ${namespace}`),
    ...labs.map(({ bridge }) => `link delete dev ${bridge}`),
  ]
  const result = await runToEnd('ip', ['-force', '-batch', '-'], { stdin: `${commands.join('\n')}\n` })
  const labsNow = await labsNamed(name)
  const labsLeft = labsNow.filter(({ mark }) => labs.some((lab) => isSameProcess(lab.mark.owner, mark.owner)))
  // Someone may have made a new lab of that name the moment the bridge was gone; its namespaces are none of ours.
  const namespacesLeft = labsNow.length === labsLeft.length ? await labNamespaces(name) : []
  const left = [...namespacesLeft, ...labsLeft.map(({ bridge }) => bridge)]
  if (left.length === 0) return
  throw ProgramFailed({
    command: 'ip',
    reason: `${left.join(', ')} could not be removed`,
    output: result.stderr,
  })
}

/** The namespaces of the hosts of lab `name`. */
export async function labNamespaces(name: string): Promise<readonly string[]> {
  const text = await runProgram('ip', ['-j', 'netns', 'list'])
  // ip prints nothing at all, not an empty list, when there are none.
  const rows = (text.trim() === '' ? [] : JSON.parse(text)) as readonly { readonly name: string }[]
  return rows.map((row) => row.name).filter((namespace) => namespace.startsWith(namespacePrefix(name)))
}

async function labsNamed(name: string): Promise<readonly MarkedLab[]> {
  return (await markedLabs()).filter(({ mark }) => mark.name === name)
}

async function portsOf(bridge: string): Promise<readonly string[]> {
  const { stdout } = await runToEnd('ip', ['-j', 'link', 'show', 'master', bridge])
  const rows = (stdout.trim() === '' ? [] : JSON.parse(stdout)) as readonly { readonly ifname?: string }[]
  return rows.flatMap(({ ifname }) => (ifname === undefined ? [] : [ifname]))
}

async function killKeepers(labs: readonly MarkedLab[]): Promise<void> {
  const keepers = labs.flatMap(({ mark: { keeper } }) => (keeper === undefined ? [] : [keeper]))
  await endProcesses(async () => keepers.filter(isAlive).map(({ pid }) => pid), ['SIGKILL'])
}

/** Asked, then forced. The namespace of a host would live on with a process in it. */
async function endProcesses(
  list: () => Promise<readonly number[]>,
  signals: readonly (keyof typeof WAIT_MS)[] = ['SIGTERM', 'SIGKILL'],
): Promise<void> {
  for (const name of signals) {
    const deadlineMs = performance.now() + WAIT_MS[name]
    let pids = await list()
    for (const pid of pids) signal(pid, name)
    while (pids.length > 0 && performance.now() < deadlineMs) {
      await pause(20)
      pids = await list()
    }
    if (pids.length === 0) return
  }
}

async function processesIn(namespaces: readonly string[]): Promise<readonly number[]> {
  const lists = await Promise.all(
    namespaces.map(async (namespace) => (await runToEnd('ip', ['netns', 'pids', namespace])).stdout),
  )
  return lists.flatMap((list) =>
    list
      .split('\n')
      .filter((line) => line !== '')
      .map(Number),
  )
}

/**
 * The mount namespaces of hosts: what runs in one belongs to the lab wherever its network is, such as a DHCP server in a
 * namespace that a peer made. That of the machine itself is never among them.
 */
async function mountNamespacesOf(pids: readonly number[]): Promise<ReadonlySet<string>> {
  const found = new Set(await Promise.all(pids.map((pid) => mountNamespaceOf(String(pid)))))
  for (const own of ['self', '1']) found.delete(await mountNamespaceOf(own))
  found.delete('')
  return found
}

async function processesWith(mounts: ReadonlySet<string>): Promise<readonly number[]> {
  if (mounts.size === 0) return []
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const owned = await Promise.all(pids.map(async (pid) => mounts.has(await mountNamespaceOf(pid))))
  return pids.filter((_, index) => owned[index]).map(Number)
}

/** Empty when the process has ended. */
function mountNamespaceOf(process: string): Promise<string> {
  return readlink(`/proc/${process}/ns/mnt`).catch(() => '')
}

function signal(pid: number, name: keyof typeof WAIT_MS): void {
  assert(pid > 1, 'a process of a lab is neither init nor a process group')
  try {
    process.kill(pid, name)
  } catch {
    // It has ended by itself meanwhile.
  }
}
