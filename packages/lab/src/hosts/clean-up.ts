/** Takes labs away: by name, or those whose owner is gone. Everything here may run twice, and beside itself. */

import { setTimeout as pause } from 'node:timers/promises'
import { assert } from '@atoll/kit'
import { NotRoot, ProgramFailed } from '../errors.ts'
import { isRoot, runProgram, runToEnd } from '../run-program.ts'
import { type LabMark, markedLabs } from './lab-mark.ts'
import { bridgeName, namespacePrefix } from './lab-plan.ts'
import { isAlive } from './process-identity.ts'

/** How long processes in a lab have to end after SIGTERM. QEMU and our peers need a fraction of it. */
const TERMINATE_WAIT_MS = 2000
const KILL_WAIT_MS = 5000

/**
 * Removes the lab `name`, whoever made it, with the processes in it, or what a crash left of it. Nothing happens when
 * there is none. @throws NotRoot
 */
export async function cleanUpLab(name: string): Promise<void> {
  if (!isRoot()) throw NotRoot({ what: 'remove network namespaces' })
  const lab = (await markedLabs()).find(({ mark }) => mark.name === name)
  await removeLab(lab?.mark ?? { name })
}

/** Removes every lab whose owner and keeper have both ended. @returns their names */
export async function sweepStaleLabs(): Promise<readonly string[]> {
  if (!isRoot()) throw NotRoot({ what: 'remove network namespaces' })
  const stale = (await markedLabs()).filter(
    ({ mark: { owner, keeper } }) => !isAlive(owner) && !(keeper !== undefined && isAlive(keeper)),
  )
  for (const { mark } of stale) await removeLab(mark)
  return stale.map(({ mark }) => mark.name)
}

/** The bridge goes last: while it stands, its alias tells the next one that there is something to clean up. */
export async function removeLab({ name, keeper }: Pick<LabMark, 'name' | 'keeper'>): Promise<void> {
  const namespaces = await labNamespaces(name)
  await endProcesses(namespaces)
  if (keeper !== undefined && keeper.pid !== process.pid && isAlive(keeper)) {
    signal(keeper.pid, 'SIGKILL')
  }
  const bridges = (await markedLabs()).filter(({ mark }) => mark.name === name)
  const ports = (await Promise.all(bridges.map(({ bridge }) => portsOf(bridge)))).flat()
  // Another cleaner may be faster with some of it, so single failures say nothing; what is left over does.
  const commands = [
    // A veth pair goes at once; left to the namespace it would linger until the kernel gets round to it.
    ...ports.map((port) => `link delete dev ${port}`),
    ...namespaces.map((namespace) => `netns delete ${namespace}`),
    ...bridges.map(({ number }) => `link delete dev ${bridgeName(number)}`),
  ]
  const result = await runToEnd('ip', ['-force', '-batch', '-'], { stdin: `${commands.join('\n')}\n` })
  const left = [
    ...(await labNamespaces(name)),
    ...(await markedLabs()).filter(({ mark }) => mark.name === name).map(({ bridge }) => bridge),
  ]
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

async function portsOf(bridge: string): Promise<readonly string[]> {
  const { stdout } = await runToEnd('ip', ['-j', 'link', 'show', 'master', bridge])
  const rows = (stdout.trim() === '' ? [] : JSON.parse(stdout)) as readonly { readonly ifname?: string }[]
  return rows.flatMap(({ ifname }) => (ifname === undefined ? [] : [ifname]))
}

/** A namespace lives as long as a process in it, so they end first: asked, then forced. */
async function endProcesses(namespaces: readonly string[]): Promise<void> {
  for (const { name, waitMs } of [
    { name: 'SIGTERM', waitMs: TERMINATE_WAIT_MS },
    { name: 'SIGKILL', waitMs: KILL_WAIT_MS },
  ] as const) {
    const deadlineMs = performance.now() + waitMs
    let pids = await processesIn(namespaces)
    for (const pid of pids) signal(pid, name)
    while (pids.length > 0 && performance.now() < deadlineMs) {
      await pause(20)
      pids = await processesIn(namespaces)
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

function signal(pid: number, name: 'SIGTERM' | 'SIGKILL'): void {
  assert(pid > 1, 'a process of a lab is neither init nor a process group')
  try {
    process.kill(pid, name)
  } catch {
    // It has ended by itself meanwhile.
  }
}
